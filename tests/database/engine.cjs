// Prisma's query engine for Postgres, as WebAssembly, with the command line and the HTTP protocol of its binary.
const { readFileSync } = require("node:fs");
const { createServer } = require("node:http");
const { PrismaPg } = require("@prisma/adapter-pg");
const { bindAdapter } = require("@prisma/driver-adapter-utils");
const { version } = require("@prisma/prisma-schema-wasm/package.json");
const { parse } = require("graphql");
const { Pool, types } = require("pg");
const runtime = require("@prisma/client/runtime/query_engine_bg.postgresql.js");

const OPERATION =
  /^(findUnique|findFirst|findMany|createOne|createMany|updateOne|updateMany|deleteOne|deleteMany|upsertOne|aggregate|groupBy|queryRaw|executeRaw)(.*?)(OrThrow)?$/;
const COMPARED_WITH_JSON = ["equals", "not", "set", "array_contains", "array_starts_with", "array_ends_with"];
// LiteLLM asks for columns of the types name and name[], which the adapter does not know: they are read as text.
const NAME_ARRAY = 1003;
const TEXT_ARRAY = 1009;
const AS_TEXT = { 19: 25, [NAME_ARRAY]: TEXT_ARRAY };
types.setTypeParser(NAME_ARRAY, types.getTypeParser(TEXT_ARRAY));

// The types of each model's fields. The JSON protocol, the only one of the WebAssembly, tells JSON from strings.
const models = {};

function readModels(schema) {
  let model;
  for (const line of schema.split("\n")) {
    const opened = /^model (\w+) \{/.exec(line);
    if (opened) model = models[opened[1]] = {};
    const field = /^\s+(\w+)\s+(\w+)/.exec(line);
    if (model && field) model[field[1]] = field[2];
    if (line.startsWith("}")) model = undefined;
  }
}

// Translates the GraphQL of the Python client.
function toJsonProtocol(document) {
  const [field] = parse(document).definitions[0].selectionSet.selections;
  const [, action, model, orThrow = ""] = OPERATION.exec(field.name.value);
  const query = { action: action + orThrow, query: callOf(field, model) };
  return { name: field.alias.value, query: model ? { modelName: model, ...query } : query };
}

function callOf(field, model) {
  const fields = field.selectionSet?.selections ?? [];
  return {
    arguments: Object.fromEntries(field.arguments.map((one) => [one.name.value, argument(one.value, model)])),
    selection: Object.fromEntries(
      fields.map((one) => {
        const nested = one.selectionSet || one.arguments.length;
        return [one.name.value, nested ? callOf(one, models[model]?.[one.name.value]) : true];
      }),
    ),
  };
}

function argument(node, model) {
  switch (node.kind) {
    case "ListValue":
      return node.values.map((one) => argument(one, model));
    case "ObjectValue":
      return Object.fromEntries(node.fields.map((one) => [one.name.value, fieldArgument(one, model)]));
    case "IntValue":
      return Number.isSafeInteger(Number(node.value)) ? Number(node.value) : { $type: "BigInt", value: node.value };
    case "FloatValue":
      return Number(node.value);
    case "NullValue":
      return null;
    default:
      return node.value;
  }
}

function fieldArgument({ name, value }, model) {
  const type = models[model]?.[name.value];
  if (type !== "Json") return argument(value, type in models ? type : model);
  const json = (node) => (node.kind === "StringValue" ? { $type: "Json", value: node.value } : argument(node));
  if (value.kind !== "ObjectValue") return json(value);
  const compared = value.fields.map((one) => {
    const of = COMPARED_WITH_JSON.includes(one.name.value) ? json : argument;
    return [one.name.value, of(one.value)];
  });
  return Object.fromEntries(compared);
}

// Takes the types out of an answer: the Python client knows them.
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  if ("$type" in value) return plain(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

function fromJsonProtocol(name, answer) {
  return answer.errors ? answer : { data: { [name]: plain(Object.values(answer.data)[0]) } };
}

class Adapter extends PrismaPg {
  async performIO(query) {
    const result = await super.performIO(query);
    for (const field of result.ok ? result.value.fields : []) {
      field.dataTypeID = AS_TEXT[field.dataTypeID] ?? field.dataTypeID;
    }
    return result;
  }
}

async function connected(schema) {
  const path = require.resolve("@prisma/client/runtime/query_engine_bg.postgresql.wasm");
  const module = new WebAssembly.Module(readFileSync(path));
  runtime.__wbg_set_wasm(new WebAssembly.Instance(module, { "./query_engine_bg.js": runtime }).exports);
  const settings = {
    datamodel: schema,
    datasourceOverrides: {},
    env: process.env,
    ignoreEnvVarErrors: true,
    logLevel: "error",
    logQueries: false,
    configDir: ".",
    engineProtocol: "json",
  };
  const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
  const engine = new runtime.QueryEngine(settings, (line) => console.error(line), bindAdapter(new Adapter(pool)));
  await engine.connect("{}");
  return engine;
}

async function respond(engine, path, transaction, text) {
  const [, first, id, end] = path.split("/");
  if (first === "status") return { status: "ok" };
  if (first === "transaction") {
    if (id === "start") return JSON.parse(await engine.startTransaction(text, "{}"));
    const finish = end === "commit" ? engine.commitTransaction(id, "{}") : engine.rollbackTransaction(id, "{}");
    return JSON.parse(await finish);
  }
  const ask = async (query) => JSON.parse(await engine.query(JSON.stringify(query), "{}", transaction));
  const request = JSON.parse(text);
  if (!request.batch) {
    const { name, query } = toJsonProtocol(request.query);
    return fromJsonProtocol(name, await ask(query));
  }
  const all = request.batch.map((one) => toJsonProtocol(one.query));
  const answer = await ask({ batch: all.map((one) => one.query), transaction: request.transaction ? {} : null });
  if (!answer.batchResult) return answer;
  return { batchResult: answer.batchResult.map((one, index) => fromJsonProtocol(all[index].name, one)) };
}

async function serve(port) {
  const schema = readFileSync(process.env.PRISMA_DML_PATH, "utf8");
  readModels(schema);
  const engine = await connected(schema);
  createServer(async (request, response) => {
    let status = 200;
    let answer;
    try {
      const parts = [];
      for await (const part of request) parts.push(part);
      const transaction = request.headers["x-transaction-id"];
      answer = await respond(engine, request.url, transaction, Buffer.concat(parts).toString());
    } catch (error) {
      console.error(error);
      status = 500;
      answer = { error: String(error) };
    }
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(answer));
  }).listen(port, "localhost");
}

if (process.argv.includes("--version")) console.log(`query-engine ${version.split(".").at(-1)}`);
else serve(Number(process.argv[process.argv.indexOf("-p") + 1]));
