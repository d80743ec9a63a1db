// Prints what the Prisma CLI would tell a generator of the schema given as argument: two JSON-RPC requests.
const { readFileSync } = require("node:fs");
const { get_config, get_dmmf } = require("@prisma/prisma-schema-wasm");
const { version } = require("@prisma/prisma-schema-wasm/package.json");

const [schemaPath, output] = process.argv.slice(2);
const prismaSchema = readFileSync(schemaPath, "utf8");
const { config } = JSON.parse(
  get_config(JSON.stringify({ prismaSchema, datasourceOverrides: {}, ignoreEnvVarErrors: true, env: {} })),
);
const [generator] = config.generators;
const params = {
  datamodel: prismaSchema,
  version: version.split(".").at(-1), // the commit of the engines
  generator: { ...generator, output: { value: output, fromEnvVar: null }, binaryTargets: [] },
  dmmf: JSON.parse(get_dmmf(JSON.stringify({ prismaSchema }))),
  schemaPath,
  datasources: config.datasources,
  otherGenerators: [],
};
console.log(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "generate", params }));
