using EdgeMatrix.Storage.Memory;

namespace EdgeMatrix.Storage;

/// <summary>The working memory of packing and unpacking: kept for the next event, unless memory is short.</summary>
internal sealed class BodyCoderMemory(EventBodyCodec codec)
    : MemoryShare("event_body_coders", wanted: EventBodyCodec.MaxCoders * EventBodyCodec.CoderBytes, least: EventBodyCodec.CoderBytes)
{
    public override MemoryUse Use => new(codec.Coders * EventBodyCodec.CoderBytes, codec.Coders);

    public override void Trim()
    {
        if (Capacity < Wanted)
        {
            codec.ReleaseIdle();
        }
    }
}
