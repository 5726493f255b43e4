// The person with matrix-nio, seen from here: a Python process that takes requests and answers them (nio_peer.py).
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export class NioPeer {
    #process;
    #waiting = new Map();
    #nextId = 0;

    /** @param {{ encrypted?: boolean }} options whether it has keys, and encrypts in rooms that are encrypted */
    constructor(server, name, { encrypted = false } = {}) {
        const script = fileURLToPath(new URL("nio_peer.py", import.meta.url));
        const mode = encrypted ? ["encrypted"] : [];
        this.#process = spawn("/usr/bin/python3", [script, server.baseUrl, name, ...mode], { stdio: ["pipe", "pipe", "inherit"] });
        process.on("exit", () => this.#process.kill("SIGKILL"));
        createInterface({ input: this.#process.stdout }).on("line", (line) => {
            const { id, result, error } = JSON.parse(line);
            const { resolve, reject } = this.#waiting.get(id);
            this.#waiting.delete(id);
            error === undefined ? resolve(result) : reject(new Error(`nio: ${error}`));
        });
        this.#process.on("exit", (code, signal) => {
            for (const { reject } of this.#waiting.values()) {
                reject(new Error(`nio_peer.py ended (${code ?? signal})`));
            }
        });
        this.#process.stdin.on("error", () => {});
    }

    /** Asks for one of the methods of `Peer` in nio_peer.py, parameters by name. */
    asks(request, parameters = {}) {
        return new Promise((resolve, reject) => {
            if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
                reject(new Error("nio_peer.py is gone"));
                return;
            }
            const id = this.#nextId++;
            this.#waiting.set(id, { resolve, reject });
            this.#process.stdin.write(`${JSON.stringify({ id, do: request, with: parameters })}\n`);
        });
    }

    /** Says something; returns the event ID. */
    says(roomId, body, more = {}) {
        return this.asks("sends", { room_id: roomId, type: "m.room.message", content: { msgtype: "m.text", body, ...more } });
    }

    sees(roomId, eventId) {
        return this.asks("sees", { room_id: roomId, event_id: eventId });
    }

    /** The event, once it has come and can be decrypted. */
    reads(roomId, eventId) {
        return this.asks("reads", { room_id: roomId, event_id: eventId });
    }

    close() {
        this.#process.stdin.end();
    }
}
