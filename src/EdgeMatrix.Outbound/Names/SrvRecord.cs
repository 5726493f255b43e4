namespace EdgeMatrix.Outbound.Names;

/// <summary>Where a service of a name is: RFC 2782.</summary>
/// <param name="Priority">The lowest is asked first.</param>
/// <param name="Weight">Of those of one priority, how often it is asked first.</param>
/// <param name="Target">A host, without a dot at its end; empty where the service "is decidedly not available at this domain".</param>
public sealed record SrvRecord(ushort Priority, ushort Weight, ushort Port, string Target);

/// <summary>What came of asking for SRV records.</summary>
/// <param name="Records">Null: nobody answered, or nothing that can be used; empty: there are none.</param>
/// <param name="Ttl">How long that holds.</param>
public readonly record struct SrvAnswer(IReadOnlyList<SrvRecord>? Records, TimeSpan Ttl);
