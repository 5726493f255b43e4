using System.Text;
using EdgeMatrix.Protocol.Events;
using Xunit;
using Versions = EdgeMatrix.Protocol.RoomVersions.RoomVersions;

namespace EdgeMatrix.Protocol.Tests.Events;

/// <summary>
/// Events that other servers made, and the ids that they have there. Values only, from the tests of gomatrixserverlib at ffcbbd38fba6
/// (eventversion_test.go) and of Synapse at a58ad44eb0ce (rust/src/events).
/// </summary>
public sealed class OtherServersEvents
{
    private const string Name = """
        {"auth_events":[["$oXL79cT7fFxR7dPH:localhost",{"sha256":"abjkiDSg1RkuZrbj2jZoGMlQaaj1Ue3Jhi7I7NlKfXY"}],["$IVUsaSkm1LBAZYYh:localhost",{"sha256":"X7RUj46hM/8sUHNBIFkStbOauPvbDzjSdH4NibYWnko"}],["$VS2QT0EeArZYi8wf:localhost",{"sha256":"k9eM6utkCH8vhLW9/oRsH74jOBS/6RVK42iGDFbylno"}]],"content":{"name":"test3"},"depth":7,"event_id":"$yvN1b43rlmcOs5fY:localhost","hashes":{"sha256":"Oh1mwI1jEqZ3tgJ+V1Dmu5nOEGpCE4RFUqyJv2gQXKs"},"origin":"localhost","origin_server_ts":1510854416361,"prev_events":[["$FqI6TVvWpcbcnJ97:localhost",{"sha256":"upCsBqUhNUgT2/+zkzg8TbqdQpWWKQnZpGJc6KcbUC4"}]],"prev_state":[],"room_id":"!19Mp0U9hjajeIiw1:localhost","sender":"@test:localhost","signatures":{"localhost":{"ed25519:u9kP":"5IzSuRXkxvbTp0vZhhXYZeOe+619iG3AybJXr7zfNn/4vHz4TH7qSJVQXSaHHvcTcDodAKHnTG1WDulgO5okAQ"}},"state_key":"","type":"m.room.name"}
        """;

    private const string Create = """
        {"auth_events": [], "prev_events": [], "type": "m.room.create", "room_id": "!uXDCzlYgCTHtiWCkEx:jki.re", "sender": "@erikj:jki.re", "content": {"room_version": "5", "predecessor": {"room_id": "!gdRMqOrTFdOCYHNwOo:half-shot.uk", "event_id": "$LP7ROBc4b+cMc1UE9haIz8q5AK2AIW4eJ90FfKLvyZI"}, "creator": "@erikj:jki.re"}, "depth": 1, "prev_state": [], "state_key": "", "origin": "jki.re", "origin_server_ts": 1560284621137, "hashes": {"sha256": "IX6zuNiJpJPNf70BLleL3HSCpjKeq9Uhu7uUpyDjBmc"}, "signatures": {"jki.re": {"ed25519:auto": "O4IyFfF2PPtGp5uaDm8t57dZbdh8vc8Q64LgCwvzYRVItAMI0uisfiAFaxkVT7MRpzh6N2QNN5NMRXZKmgPYDA"}}, "unsigned": {"age": 1321650}}
        """;

    private const string Message = """
        {"auth_events":["$gbHO7IPUHybc7ULFnT7P0r3iWlZFHGmr6zBfEYCUyKw","$hy1eZFYcgNxMFNNBgCD5fyOzyWRcBkxfNcrUI5ZpZlE","$Nt_z68EwFfPqBeHjzEHGsp461Z4EfNEzR-KH5bOYdOY"],"prev_events":["$4FbpZrgPQTwoLD9H5y7jcikucCypUOn78mXhQX7WliY"],"type":"m.room.message","room_id":"!DHmIIVvxFASSFgDGzr:localhost:8008","sender":"@tester_b:localhost:8008","content":{"msgtype":"m.text","body":"invited people can see history","m.mentions":{}},"depth":24,"origin":"localhost:8008","origin_server_ts":1731769874137,"hashes":{"sha256":"FoYV1w3TW/B2mVT0gX2/BZKpCwrrvGXqXFdUhN9LZYU"},"signatures":{"localhost:8008":{"ed25519:a_phSE":"G8cfk/m97sndxMNrEZ2nMMSXkVeJE05G7if4JiVzAwGfD3TwnF/jfSHt2acWrpNqv/aEhZug3WLofc2id+rVBw"}},"unsigned":{"age_ts":1731769874137}}
        """;

    private const string CreateOf12 = """
        {"auth_events":[],"prev_events":[],"prev_state_events":[],"type":"m.room.create","sender":"@erikj:jki.re","content":{"room_version":"12","predecessor":{"room_id":"!VuNGkDTdbMOOxSmuDa:jki.re"}},"depth":1,"state_key":"","origin_server_ts":1775568141481,"hashes":{"sha256":"qBX+glsKvogXFrvsEN0eh13pO2kpuE6o/b4yREPtOqw"},"signatures":{"jki.re":{"ed25519:auto":"n/4gHQRagk3r1r24L/7a+oaMMf9cysVfQRYdjpDZcf4ppkVym33rhTW18Vy4zMa1L5nsWLkxsBvbrRRDYUOhBQ"}},"unsigned":{"age_ts":1775568141481}}
        """;

    [Theory]
    [InlineData("1", Name, "$yvN1b43rlmcOs5fY:localhost")]
    [InlineData("3", Create, "$RrGxF28UrHLmoASHndYb9Jb/1SFww2ptmtur9INS438")]
    [InlineData("4", Create, "$RrGxF28UrHLmoASHndYb9Jb_1SFww2ptmtur9INS438")]
    [InlineData("3", Message, "$zRz9jjiT9wZc3Hl9ij/74aCmTjqV3YMlj9sj3Uqxg6o")]
    [InlineData("10", Message, "$zRz9jjiT9wZc3Hl9ij_74aCmTjqV3YMlj9sj3Uqxg6o")]
    [InlineData("12", CreateOf12, "$BeXKh925K_M46DwsuJFR0EyBpE1P7CFUDGuWW4xw55Y")]
    public void An_event_has_the_id_that_it_has_elsewhere(string versionId, string json, string expected)
    {
        var (pdu, refusal) = Pdu.Parse(Encoding.UTF8.GetBytes(json), Versions.Find(versionId)!);

        Assert.Null(refusal);
        Assert.Equal(expected, pdu!.EventId);
        Assert.Equal(expected, Pdu.Parse(Redaction.RedactPdu(pdu).Json, pdu.Version).Event!.EventId);
    }

    [Theory]
    [InlineData("1", Name)]
    [InlineData("5", Create)]
    [InlineData("10", Message)]
    public void An_event_has_the_content_hash_that_it_has_elsewhere(string versionId, string json) =>
        Assert.True(EventHashes.ContentHashMatches(Pdu.Parse(Encoding.UTF8.GetBytes(json), Versions.Find(versionId)!).Event!));
}
