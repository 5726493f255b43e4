namespace EdgeMatrix.Outbound;

public enum OutboundFailure
{
    /// <summary>Not a URL of <c>http</c> or <c>https</c>, or one with a user name in it.</summary>
    BadUrl,

    /// <summary>The host is at no address that requests may go to: see <see cref="AddressPolicy"/>.</summary>
    Refused,

    /// <summary>No such host, no route, no answer that is HTTP, a certificate that does not hold, or a connection that broke.</summary>
    Unreachable,

    TimedOut,

    /// <summary>The answer has more bytes than the caller takes.</summary>
    TooLarge,

    TooManyRedirects,
}

/// <summary>Why a request to somebody else's server got no answer, or not all of it. The message names neither addresses nor secrets.</summary>
public sealed class OutboundException(OutboundFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    public OutboundFailure Failure { get; } = failure;
}
