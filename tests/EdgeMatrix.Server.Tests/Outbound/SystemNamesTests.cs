using System.Net;
using System.Net.Sockets;
using EdgeMatrix.Outbound.Names;
using Xunit;

namespace EdgeMatrix.Server.Tests.Outbound;

public sealed class SystemNamesTests
{
    [Fact]
    public async Task Addresses_are_those_of_the_hosts_file()
    {
        Assert.Contains(IPAddress.Loopback, await SystemNames.AddressesAsync("localhost", TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<SocketException>(() => SystemNames.AddressesAsync("none.invalid", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_the_system_takes_its_time_for_holds_no_thread_of_the_pool()
    {
        Assert.False(await SystemNames.OnOwnThreadAsync(() => Thread.CurrentThread.IsThreadPoolThread));
    }
}
