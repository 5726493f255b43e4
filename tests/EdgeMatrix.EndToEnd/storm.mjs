// Many messages at once, sent over and over with the same transaction IDs until the server acknowledges each.
import { ConnectionError } from "matrix-js-sdk";
import { pause } from "./story.mjs";

const RETRY_MILLISECONDS = 100;

export class Storm {
    /** Acknowledged: body to event ID. */
    acknowledged = new Map();
    #roomId;
    #onAcknowledged;

    /** @param {(count: number) => void} onAcknowledged told after each acknowledgement how many there are */
    constructor(roomId, onAcknowledged) {
        this.#roomId = roomId;
        this.#onAcknowledged = onAcknowledged;
    }

    /** Sends one after the other through the SDK: its queue, its local echo, its resend. Returns the bodies in order. */
    async throughTheSdk(person, count) {
        const bodies = Array.from({ length: count }, (_, i) => `${person.userId} in turn ${i}`);
        const room = person.client.getRoom(this.#roomId);
        for (const body of bodies) {
            const transactionId = person.client.makeTxnId();
            let attempt = () => person.client.sendEvent(
                this.#roomId, null, "m.room.message", { msgtype: "m.text", body }, transactionId);
            await this.#untilAcknowledged(body, () => attempt(), () => {
                const unsent = room.getPendingEvents().find((event) => event.getTxnId() === transactionId);
                // No local echo any more: the event came down /sync with our transaction ID, so the server has it.
                attempt = unsent
                    ? () => person.client.resendEvent(unsent, room)
                    : () => Promise.resolve({ event_id: eventIdOf(room, person.userId, body) });
            });
        }
        return bodies;
    }

    /** Sends with `width` requests in flight at a time. Returns the bodies. */
    async sideBySide(person, count, width) {
        const bodies = Array.from({ length: count }, (_, i) => `${person.userId} side by side ${i}`);
        const queue = bodies.map((body) => ({ body, transactionId: person.client.makeTxnId() }));
        await Promise.all(Array.from({ length: width }, async () => {
            for (let next = queue.shift(); next; next = queue.shift()) {
                await this.#untilAcknowledged(next.body, async () => ({
                    event_id: await person.sendsOnce(this.#roomId, next.body, next.transactionId),
                }), () => {});
            }
        }));
        return bodies;
    }

    async #untilAcknowledged(body, attempt, prepareRetry) {
        for (;;) {
            try {
                const { event_id: eventId } = await attempt();
                this.acknowledged.set(body, eventId);
                this.#onAcknowledged(this.acknowledged.size);
                return;
            } catch (error) {
                const passing = error instanceof ConnectionError || error.httpStatus === 429 || error.httpStatus >= 500;
                if (!passing) {
                    throw error;
                }
                await pause(error.data?.retry_after_ms ?? RETRY_MILLISECONDS);
                prepareRetry();
            }
        }
    }
}

function eventIdOf(room, sender, body) {
    const event = room.getUnfilteredTimelineSet().getTimelines().flatMap((timeline) => timeline.getEvents())
        .find((candidate) => candidate.getSender() === sender && candidate.getContent().body === body);
    if (!event) {
        throw new Error(`neither pending nor in the timeline: ${body}`);
    }
    return event.getId();
}
