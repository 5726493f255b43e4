namespace EdgeMatrix.Console.Health;

/// <summary>Whether this server takes requests. Thread safe.</summary>
public sealed class Readiness
{
    private volatile string _status = "starting";

    /// <summary><c>starting</c>, <c>ok</c> or <c>stopping</c>.</summary>
    public string Status => _status;

    public bool IsReady => _status == "ok";

    /// <summary>Every listener answers.</summary>
    public void Ready() => _status = "ok";

    public void Stopping() => _status = "stopping";
}
