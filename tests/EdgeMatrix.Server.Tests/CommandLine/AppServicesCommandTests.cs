using EdgeMatrix.CommandLine;
using EdgeMatrix.Configuration;
using EdgeMatrix.Server.Tests.AppServices;
using Xunit;

namespace EdgeMatrix.Server.Tests.CommandLine;

public class AppServicesCommandTests
{
    [Fact]
    public async Task What_an_application_service_is_still_to_be_told_is_told_beside_the_running_server()
    {
        await using var it = await BridgedServer.StartAsync();
        it.Bridge.Answer = BridgedServer.Fail;
        var room = (await it.PostAsync($"{BridgedServer.V3}/createRoom", "{}"))["room_id"].GetString()!;
        var first = await it.NextAsync();
        await it.SettleAsync();
        await it.SayAsync(room, "one");
        await it.SayAsync(room, "two");

        using var output = new StringWriter();
        var options = new HomeserverOptions
        {
            Server = new ServerOptions { Data = it.Server.DataFolder },
            AppServices = BridgedServer.Registered($"id: irc\nurl: {it.Bridge.Url}\nas_token: a\nhs_token: h\nsender_localpart: ircbot\nnamespaces: {{}}\n"),
        };
        Assert.Equal(ExitCode.Done, new AppServicesCommand(options, new Terminal(() => null, output, TextWriter.Null)).Run());

        var txnId = first.Path[(first.Path.LastIndexOf('/') + 1)..];
        Assert.Matches(
            $"""
            ^irc
              url            {it.Bridge.Url}/
              sender         ircbot
              waiting        \d+, and transaction {txnId}
              last success   never
              failing since  2026-09-21 \d\d:\d\d:\d\dZ
            $
            """.Replace("\r", "", StringComparison.Ordinal),
            output.ToString());
    }
}
