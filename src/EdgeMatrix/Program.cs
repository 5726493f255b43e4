using EdgeMatrix.CommandLine;

return await EntryPoint.RunAsync(args, Terminal.OfProcess(), LocalAccounts.Open, CancellationToken.None);
