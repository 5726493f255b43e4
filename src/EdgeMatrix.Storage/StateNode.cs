namespace EdgeMatrix.Storage;

/// <summary>A row of <c>state_nodes</c>.</summary>
/// <param name="Delta">Null: in <c>state_chunks</c>, as it is large.</param>
internal sealed record StateNode(long Parent, long Entries, byte[]? Delta);
