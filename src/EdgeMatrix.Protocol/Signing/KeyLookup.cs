namespace EdgeMatrix.Protocol.Signing;

/// <summary>The key that a server published under that id; null if it is not known. Asked from several threads at once.</summary>
public delegate VerifyKey? KeyLookup(string serverName, string keyId);
