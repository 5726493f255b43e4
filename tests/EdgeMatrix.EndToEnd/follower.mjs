// Follows one room by bare /sync and /messages requests, trusting nothing: what no SDK would notice, it notices.
import { pause } from "./story.mjs";

const SYNC_FILTER = JSON.stringify({ room: { timeline: { limit: 20 } } });

export class Follower {
    /** Event IDs in the order in which the server told them, from the room's first event on. */
    eventIds = [];
    /** What a client should never see: an event told twice. */
    duplicates = [];
    #person;
    #roomId;
    #since;
    #stopped = false;
    #running;

    /** @param {import("./person.mjs").Person} person whose token is used */
    constructor(person, roomId) {
        this.#person = person;
        this.#roomId = roomId;
    }

    /** Reads the room so far, then goes on following; a request that dies with the server is made again with the same token. */
    async start() {
        await this.#sync(0);
        this.#running = (async () => {
            while (!this.#stopped) {
                try {
                    await this.#sync(1000);
                } catch (error) {
                    if (error.httpStatus && error.httpStatus < 500 && error.httpStatus !== 429) {
                        throw error;
                    }
                    await pause(100);
                }
            }
        })();
        this.#running.catch(() => {});
    }

    /** Stops following; throws what went wrong on the way. */
    async stop() {
        this.#stopped = true;
        await this.#running;
    }

    async #sync(timeout) {
        const answer = await this.#person.request("GET", "/sync", {
            filter: SYNC_FILTER, timeout: String(timeout), ...(this.#since && { since: this.#since }),
        });
        const timeline = answer.rooms?.join?.[this.#roomId]?.timeline;
        const told = timeline?.events.map((event) => event.event_id) ?? [];
        const gap = timeline?.limited ? await this.#gapBefore(timeline.prev_batch) : [];
        const known = new Set(this.eventIds);
        for (const eventId of [...gap, ...told]) {
            if (known.has(eventId)) {
                this.duplicates.push(eventId);
            }
            known.add(eventId);
            this.eventIds.push(eventId);
        }
        this.#since = answer.next_batch;
    }

    /** Pages back from a limited timeline to the newest event known. */
    async #gapBefore(prevBatch) {
        const known = new Set(this.eventIds);
        const gap = [];
        for await (const event of pages(this.#person, this.#roomId, "b", prevBatch)) {
            if (known.has(event.event_id)) {
                break;
            }
            gap.unshift(event.event_id);
        }
        return gap;
    }
}

/** Every event from a token on, page by page; without a token from the room's end (`b`) or beginning (`f`). */
export async function* pages(person, roomId, direction, from) {
    for (let token = from; ;) {
        const answer = await person.request("GET", `/rooms/${encodeURIComponent(roomId)}/messages`, {
            dir: direction, limit: "37", ...(token && { from: token }),
        });
        yield* answer.chunk;
        if (answer.chunk.length === 0 || !answer.end) {
            return;
        }
        token = answer.end;
    }
}

/** The room's whole timeline by /messages alone, oldest first. */
export async function wholeHistory(person, roomId, direction) {
    const events = await Array.fromAsync(pages(person, roomId, direction));
    return direction === "b" ? events.reverse() : events;
}
