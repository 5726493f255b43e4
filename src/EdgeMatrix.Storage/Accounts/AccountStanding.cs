namespace EdgeMatrix.Storage.Accounts;

/// <summary>What an account may and may not do.</summary>
/// <param name="Admin">It administers the server.</param>
/// <param name="Guest">It was made without a password, for a look: see https://spec.matrix.org/v1.19/client-server-api/#guest-access.</param>
/// <param name="Locked">It cannot be used until it is unlocked: see https://spec.matrix.org/v1.19/client-server-api/#account-locking.</param>
/// <param name="Suspended">It may read and leave only: see https://spec.matrix.org/v1.19/client-server-api/#account-suspension.</param>
public readonly record struct AccountStanding(bool Admin, bool Guest = false, bool Locked = false, bool Suspended = false);
