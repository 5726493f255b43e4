// A story: named steps told in order. Prints `1..N`, then one `ok NAME` or `not ok NAME` for each step, whatever happens.

/** How long a step may take unless it says otherwise. */
const STEP_SECONDS = 60;

export class Story {
    #name;
    #steps = [];

    /** @param {string} name what every line of the report begins with */
    constructor(name) {
        this.#name = name;
    }

    /** Adds a step. A step that throws, or takes longer than `seconds`, is `not ok`; the next one is tried all the same. */
    step(name, action, seconds = STEP_SECONDS) {
        this.#steps.push({ name: `${this.#name}: ${name}`, action, seconds });
    }

    /** Tells the story; returns how many steps failed. */
    async tell() {
        let failures = 0;
        report(`1..${this.#steps.length}`);
        for (const { name, action, seconds } of this.#steps) {
            let timer;
            const timeout = new Promise((_, reject) => {
                timer = setTimeout(() => reject(new Error(`took longer than ${seconds} s`)), seconds * 1000);
            });
            try {
                await Promise.race([action(), timeout]);
                report(`ok ${name}`);
            } catch (error) {
                failures++;
                report(`not ok ${name}`);
                remark(String(error?.stack ?? error));
            } finally {
                clearTimeout(timer);
            }
        }
        return failures;
    }
}

const report = (line) => process.stdout.write(`${line}\n`);

/** Adds lines to the report that count for nothing. */
export const remark = (text) => report(text.trimEnd().replace(/^/gm, "#   "));

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until `predicate` gives something true, and returns it; what it was waiting for is in the error. */
export async function until(what, predicate, seconds = 15) {
    const deadline = performance.now() + seconds * 1000;
    for (;;) {
        const found = await predicate();
        if (found) {
            return found;
        }
        if (performance.now() > deadline) {
            throw new Error(`waited ${seconds} s in vain for: ${what}`);
        }
        await pause(20);
    }
}
