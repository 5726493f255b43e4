// What the story ends with: every reader holds every acknowledged message exactly once, all in one order.
import assert from "node:assert/strict";

/** Fails unless no event is told twice, and each acknowledged body is there once, under the ID that was acknowledged. */
export function assertWhole(reader, events, acknowledged) {
    const ids = events.map((event) => event.event_id);
    assert.deepEqual(twice(ids), [], `${reader} holds events twice`);
    const idsOfBody = Map.groupBy(events.filter((event) => acknowledged.has(event.content.body)), (event) => event.content.body);
    for (const [body, eventId] of acknowledged) {
        assert.deepEqual(idsOfBody.get(body)?.map((event) => event.event_id), [eventId], `${reader}, the message "${body}"`);
    }
}

/** Fails, with the first difference, unless two readers hold the same events in the same order. */
export function assertSameOrder(reader, ids, otherReader, otherIds) {
    const difference = Array.from({ length: Math.max(ids.length, otherIds.length) }, (_, i) => i)
        .find((i) => ids[i] !== otherIds[i]);
    assert.equal(difference, undefined, `${reader} (${ids.length} events) and ${otherReader} (${otherIds.length} events) differ `
        + `from the event ${difference} on: ${ids[difference]} and ${otherIds[difference]}`);
}

/** Fails unless the bodies that one sender sent one after the other stand in that order. */
export function assertInTurn(events, bodies) {
    const wanted = new Set(bodies);
    assert.deepEqual(events.map((event) => event.content.body).filter((body) => wanted.has(body)), bodies);
}

function twice(ids) {
    return ids.filter((id, i) => ids.indexOf(id) !== i);
}
