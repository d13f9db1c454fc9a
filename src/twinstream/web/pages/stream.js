// Shows /asyncapi.json: where the stream is, what comes and goes over it, and why it closes.
// Everything is built from text nodes, so nothing in the document can become markup.

const main = document.getElementById("stream");

function make(tag, content = [], attributes = {}) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...[content].flat());
  return element;
}

/** Turn `code`, **strong** and [text](/path) into elements; the rest stays text. */
function makeInline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\(\/[^)]*\))/).map((part) => {
    if (/^`.+`$/.test(part)) return make("code", part.slice(1, -1));
    if (/^\*\*.+\*\*$/.test(part)) return make("strong", part.slice(2, -2));
    const link = /^\[(.+)\]\((\/.*)\)$/.exec(part);
    return link ? make("a", link[1], { href: link[2] }) : part;
  });
}

function makeProse(text) {
  const list = make("ul");
  const blocks = [];
  for (const line of text.trim().split("\n").filter((one) => one.trim())) {
    if (line.startsWith("* ")) list.append(make("li", makeInline(line.slice(2))));
    else blocks.push(make("p", makeInline(line)));
  }
  return list.childElementCount ? [...blocks, list] : blocks;
}

function makeTable(heads, rows) {
  const body = rows.map((row) => make("tr", row.map((cell) => make("td", makeInline(String(cell))))));
  const table = make("table", [make("thead", make("tr", heads.map((head) => make("th", head)))), make("tbody", body)]);
  return make("div", table, { class: "scroll", tabindex: "0" });
}

const resolve = (root, value) =>
  value?.$ref ? resolve(root, value.$ref.slice(2).split("/").reduce((at, step) => at[step], root)) : value;

function tellType(root, schema) {
  const found = resolve(root, schema);
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (found.enum) return found.enum.map((one) => JSON.stringify(one)).join(" or ");
  if (found.anyOf) return found.anyOf.map((one) => tellType(root, one)).join(" or ");
  if (found.allOf) return tellType(root, found.allOf[0]);
  if (found.type === "array") return `array of ${tellType(root, found.items ?? {})}`;
  return found.type ?? "any";
}

/** List the fields of an object: [path, type, meaning], its own and those of the objects within. */
function listFields(root, schema, prefix = "") {
  const found = resolve(root, schema);
  const rows = [];
  for (const part of found.allOf ?? [found]) {
    for (const [name, below] of Object.entries(resolve(root, part).properties ?? {})) {
      const field = resolve(root, below);
      const fixed = field.const !== undefined && rows.find((row) => row[0] === `\`${prefix}${name}\``);
      if (fixed) fixed[1] = tellType(root, field);
      else if (field.properties || field.allOf) rows.push(...listFields(root, field, `${prefix}${name}.`));
      else rows.push([`\`${prefix}${name}\``, tellType(root, field), field.description ?? ""]);
    }
  }
  return rows;
}

function makeMessage(root, message) {
  const section = make("section", [make("h3", message.title), ...makeProse(message.summary)], { class: "message" });
  const shapes = message.payload.anyOf ?? [message.payload];
  const example = message.examples?.[0]?.payload;
  const record = message["x-record"];
  section.append(make("pre", record ?? String(example), { tabindex: "0" }));
  for (const shape of shapes) {
    const rows = listFields(root, shape);
    if (!rows.length) continue;
    const title = shapes.length > 1 ? `Fields: ${resolve(root, shape).title}` : "Fields";
    section.append(make("details", [make("summary", title), makeTable(["field", "type", "meaning"], rows)]));
  }
  return section;
}

function show(root) {
  const channel = root.channels.stream;
  const server = root.servers.this;
  const query = Object.entries(channel.bindings.ws.query.properties);
  const operations = Object.values(root.operations);
  main.replaceChildren(
    make("h2", root.info.title),
    ...makeProse(root.info.description),
    make("h2", "Where it is"),
    make("pre", `${server.protocol}://${server.host}${channel.address}?stream_key=…`, { tabindex: "0" }),
    makeTable(["parameter", "meaning"], query.map(([name, schema]) => [`\`${name}\``, schema.description])),
    ...operations.flatMap((operation) => [
      make("h2", operation.action === "send" ? `From the server: ${operation.summary}` : `To the server: ${operation.summary}`),
      ...operation.messages.map((message) => makeMessage(root, resolve(root, message))),
    ]),
    make("h2", "Why it closes"),
    makeTable(
      ["code", "meaning", "reconnect", "what to do"],
      channel["x-close-codes"].map((row) => [row.code, row.meaning, row.reconnect ? "yes" : "no", row.remedy]),
    ),
    make("p", makeInline("The document that this page shows: [/asyncapi.json](/asyncapi.json), AsyncAPI 3.")),
  );
}

try {
  show(await (await fetch("/asyncapi.json")).json());
} catch {
  main.replaceChildren(make("p", "The description could not be loaded.", { class: "wait" }));
}
