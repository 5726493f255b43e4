using EdgeMatrix.CommandLine;

return await EntryPoint.RunAsync(
    args,
    Terminal.OfProcess(),
    openAccounts: _ => new UserActions(
        Add: (_, _, _, _) => Task.FromResult(UserOutcome.Refuse("there are no accounts yet")),
        List: _ => Task.FromResult<IReadOnlyList<ListedUser>>([]),
        ResetPassword: (_, _, _) => Task.FromResult(UserOutcome.Refuse("there are no accounts yet"))),
    CancellationToken.None);
