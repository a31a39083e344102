// Runs fauxqs on the loopback interface, on a port that the system chooses; its own
// command listens on all interfaces. Run by --eval, with the path of its app.js.
import { pathToFileURL } from "node:url";

const { buildApp } = await import(pathToFileURL(process.argv[1]).href);
const app = buildApp({ logger: false, host: "127.0.0.1" });
console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
