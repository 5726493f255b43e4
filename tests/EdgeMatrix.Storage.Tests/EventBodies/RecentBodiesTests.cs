using Xunit;

namespace EdgeMatrix.Storage.Tests.EventBodies;

public sealed class RecentBodiesTests
{
    /// <remarks>A redaction can change what an event shares with others, and leave alone what is its own.</remarks>
    [Fact]
    public void A_body_is_told_by_its_frame_as_well_as_by_its_own_bytes()
    {
        using var codec = new EventBodyCodec();
        byte[] own = [EventBodyCodec.Framed, 1, 2, 3];
        var recent = new RecentBodies();
        var body = new EventBody(codec, 40, own, 7, new EventFrame([], []));
        recent.Add(40, body);

        Assert.Same(body, recent.Find(40, own, 7));
        Assert.Null(recent.Find(40, own, 8));
        Assert.Null(recent.Find(40, own, null));
        Assert.Null(recent.Find(72, own, 7));
    }
}
