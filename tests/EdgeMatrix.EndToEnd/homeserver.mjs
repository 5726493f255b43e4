// The homeserver under test: a process of its own, on a free loopback port and a data directory that outlives it.
import { spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { remark } from "./story.mjs";

const READY_SECONDS = 60;
const STOP_SECONDS = 10;

export class Homeserver {
    #command;
    #more;
    #directory;
    #port;
    #process;
    #exited;

    /**
     * @param {string[]} command the executable and its leading arguments, e.g. `["dotnet", "edgematrix.dll"]`
     * @param {string[]} more further arguments of `serve`
     */
    constructor(command, more = []) {
        this.#command = command;
        this.#more = more;
        process.on("exit", () => this.#process?.kill("SIGKILL"));
        for (const signal of ["SIGINT", "SIGTERM"]) {
            process.on(signal, () => process.exit(1));
        }
    }

    /** Where clients go: the server, or the recording proxy in front of it that EDGEMATRIX_TEST_CLIENT_URL names. */
    get baseUrl() {
        return process.env.EDGEMATRIX_TEST_CLIENT_URL ?? `http://127.0.0.1:${this.#port}`;
    }

    /** Starts, or starts again on the same data and port; resolves when the server says that it is ready. */
    async start() {
        this.#directory ??= await mkdtemp(join(tmpdir(), "edgematrix-e2e-"));
        this.#port ??= Number(process.env.EDGEMATRIX_TEST_PORT) || (await freePort());
        const log = openSync(this.#log, "a");
        const [executable, ...leading] = this.#command;
        const child = spawn(executable, [
            ...leading, "serve", "--data", join(this.#directory, "data"), "--server-name", "test.local",
            "--listen", `http://127.0.0.1:${this.#port}`, "--set", "registration.open=true", "--set", "limits.rate=off",
            ...this.#more,
        ], { stdio: ["ignore", "pipe", log] });
        this.#process = child;
        this.#exited = new Promise((resolve) => child.on("exit", (code, signal) => resolve({ code, signal })));

        const ready = new Promise((resolve) => {
            createInterface({ input: child.stdout }).on("line", (line) => line.startsWith("ready ") && resolve("ready"));
        });
        let timer;
        const late = new Promise((resolve) => (timer = setTimeout(() => resolve("late"), READY_SECONDS * 1000)));
        const failed = new Promise((resolve) => child.on("error", resolve));
        const outcome = await Promise.race([ready, late, failed, this.#exited]);
        clearTimeout(timer);
        if (outcome !== "ready") {
            throw new Error(`the server did not get ready: ${outcome.message ?? JSON.stringify(outcome)}\n${this.#logTail()}`);
        }
    }

    /** kill -9: the signal is on its way when this returns, the process is gone when the promise resolves. */
    kill() {
        this.#process.kill("SIGKILL");
        return this.#exited;
    }

    /** SIGTERM; returns the exit code, and throws if the server is still there after the ten seconds that it has. */
    async stop() {
        this.#process.kill("SIGTERM");
        let timer;
        const late = new Promise((resolve) => (timer = setTimeout(() => resolve(null), STOP_SECONDS * 1000)));
        const outcome = await Promise.race([this.#exited, late]);
        clearTimeout(timer);
        if (outcome === null) {
            await this.kill();
            throw new Error(`the server was still running ${STOP_SECONDS} s after SIGTERM\n${this.#logTail()}`);
        }
        return outcome.code;
    }

    /** Ends the server if it still runs. Removes its data, or where something failed keeps it and says where. */
    async dispose(failed) {
        if (this.#process?.exitCode === null && this.#process.signalCode === null) {
            await this.kill();
        }
        if (failed && this.#directory) {
            remark(`data and log of the server: ${this.#directory}\n${this.#logTail()}`);
        } else if (this.#directory) {
            await rm(this.#directory, { recursive: true, force: true });
        }
    }

    get #log() {
        return join(this.#directory, "server.log");
    }

    #logTail() {
        return readFileSync(this.#log, "utf8").split("\n").slice(-30).join("\n");
    }
}

/** A port of the loopback address that nobody listens on. */
export function freePort() {
    return new Promise((resolve, reject) => {
        const probe = createServer();
        probe.on("error", reject);
        probe.listen(0, "127.0.0.1", () => {
            const { port } = probe.address();
            probe.close(() => resolve(port));
        });
    });
}
