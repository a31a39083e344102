// Runs fauxqs on the loopback interface, on a port that the system chooses; its own
// command listens on all interfaces. Run by --eval, with the path of its app.js.
import { pathToFileURL } from "node:url";

const url = pathToFileURL(process.argv[1]);
const { buildApp } = await import(url.href);
// SQS takes characters beyond U+FFFF, which fauxqs 1.9.2 takes for halves of them.
const { INVALID_MESSAGE_BODY_CHAR } = await import(new URL("sqs/sqsTypes.js", url).href);
INVALID_MESSAGE_BODY_CHAR.compile("[^\\t\\n\\r -\\ud7ff\\ue000-\\ufffd\\u{10000}-\\u{10ffff}]", "u");
const app = buildApp({ logger: false, host: "127.0.0.1" });
console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
