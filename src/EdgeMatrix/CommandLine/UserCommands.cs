namespace EdgeMatrix.CommandLine;

/// <summary><c>user add</c>, <c>user list</c>, <c>user reset-password</c> and the other <c>user</c> commands: asks for what is missing, and says what came of it.</summary>
internal sealed class UserCommands(UserActions actions, Terminal terminal)
{
    /// <summary>Returns the exit code.</summary>
    public async Task<int> RunAsync(Invocation invocation, CancellationToken cancellation) => invocation.Command switch
    {
        Command.UserAdd => await AddAsync(invocation, cancellation),
        Command.UserList => await ListAsync(cancellation),
        Command.UserResetPassword => await ResetPasswordAsync(invocation, cancellation),
        Command.UserAdmin or Command.UserLock or Command.UserSuspend or Command.UserLogOut or Command.UserDeactivate =>
            Report(await actions.Change(invocation, cancellation), done: userId => $"{userId} {Changed(invocation)}"),
        _ => throw new ArgumentException($"{invocation.Command} is no user command", nameof(invocation)),
    };

    private async Task<int> AddAsync(Invocation invocation, CancellationToken cancellation)
    {
        if (ReadPassword(invocation) is not { } password)
        {
            return ExitCode.WrongUsage;
        }

        var outcome = await actions.Add(invocation.UserName!, password, invocation.Admin, cancellation);
        return Report(outcome, done: userId => $"added {userId}{(invocation.Admin ? " (admin)" : "")}");
    }

    private async Task<int> ListAsync(CancellationToken cancellation)
    {
        foreach (var user in await actions.List(cancellation))
        {
            terminal.Output.WriteLine(user.Standing.Count == 0 ? user.UserId : $"{user.UserId} ({string.Join(", ", user.Standing)})");
        }

        return ExitCode.Done;
    }

    private async Task<int> ResetPasswordAsync(Invocation invocation, CancellationToken cancellation)
    {
        if (ReadPassword(invocation) is not { } password)
        {
            return ExitCode.WrongUsage;
        }

        var outcome = await actions.ResetPassword(invocation.UserName!, password, cancellation);
        return Report(outcome, done: userId => $"{userId} has a new password");
    }

    private static string Changed(Invocation invocation) => (invocation.Command, invocation.Off) switch
    {
        (Command.UserAdmin, false) => "is an administrator",
        (Command.UserAdmin, true) => "is no administrator",
        (Command.UserLock, false) => "is locked",
        (Command.UserLock, true) => "is not locked",
        (Command.UserSuspend, false) => "is suspended",
        (Command.UserSuspend, true) => "is not suspended",
        (Command.UserLogOut, _) => "is logged out everywhere",
        _ => invocation.Erase ? "is deactivated and erased" : "is deactivated",
    };

    private int Report(UserOutcome outcome, Func<string, string> done)
    {
        if (outcome.Refusal is { } refusal)
        {
            terminal.Complain(refusal);
            return ExitCode.Failed;
        }

        terminal.Output.WriteLine(done(outcome.UserId!));
        return ExitCode.Done;
    }

    /// <summary>Null, with the complaint made, where there is no password to go on with.</summary>
    private string? ReadPassword(Invocation invocation)
    {
        if (invocation.PasswordFromStdin)
        {
            return NotEmpty(terminal.ReadLine());
        }

        if (terminal.ReadHidden is not { } readHidden)
        {
            terminal.Complain("there is no terminal to ask for the password at; use --password-stdin");
            return null;
        }

        var password = readHidden($"Password for {invocation.UserName}: ");
        if (NotEmpty(password) is not null && readHidden("Once more: ") != password)
        {
            terminal.Complain("the two passwords differ");
            return null;
        }

        return string.IsNullOrEmpty(password) ? null : password;
    }

    private string? NotEmpty(string? password)
    {
        if (string.IsNullOrEmpty(password))
        {
            terminal.Complain("the password is empty");
            return null;
        }

        return password;
    }
}

/// <summary>What the user commands ask of the accounts in the data folder.</summary>
/// <param name="Add">Name, password, whether it is an administrator.</param>
/// <param name="List">Every local account, by name.</param>
/// <param name="ResetPassword">Name, new password.</param>
/// <param name="Change">What the other commands say, of the user that they name.</param>
internal sealed record UserActions(
    Func<string, string, bool, CancellationToken, Task<UserOutcome>> Add,
    Func<CancellationToken, Task<IReadOnlyList<ListedUser>>> List,
    Func<string, string, CancellationToken, Task<UserOutcome>> ResetPassword,
    Func<Invocation, CancellationToken, Task<UserOutcome>> Change);

/// <summary>The full id of the user that was changed, or why none was.</summary>
internal readonly record struct UserOutcome(string? UserId, string? Refusal)
{
    public static UserOutcome Done(string userId) => new(userId, null);

    public static UserOutcome Refuse(string refusal) => new(null, refusal);
}

/// <param name="Standing">Words for what is special about the account: <c>admin</c>, <c>locked</c>, …</param>
internal readonly record struct ListedUser(string UserId, IReadOnlyList<string> Standing);
