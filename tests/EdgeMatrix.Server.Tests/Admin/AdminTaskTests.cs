using EdgeMatrix.ClientApi.Admin;
using EdgeMatrix.Protocol;
using Xunit;

namespace EdgeMatrix.Server.Tests.Admin;

public sealed class AdminTaskTests
{
    [Fact]
    public async Task What_is_under_way_is_never_forgotten()
    {
        var tasks = new AdminTasks(new SeededRandom(1), TimeProvider.System);
        var end = new TaskCompletionSource();
        var first = tasks.Begin(AdminTaskKind.PurgeHistory, "!0:test", "taken", _ => end.Task).Task!;
        Assert.NotNull(tasks.Begin(AdminTaskKind.PurgeHistory, "!0:test", "taken", _ => end.Task).Error);
        for (var i = 1; i < 150; i++)
        {
            var quick = tasks.Begin(AdminTaskKind.PurgeHistory, $"!{i}:test", "taken", _ => Task.CompletedTask).Task!;
            while (quick.Status == AdminTask.Active)
            {
                await Task.Delay(1, TestContext.Current.CancellationToken);
            }
        }

        Assert.Same(first, tasks.Find(AdminTaskKind.PurgeHistory, first.Id));
        for (var i = 0; i < 99; i++)
        {
            Assert.NotNull(tasks.Begin(AdminTaskKind.DeleteRoom, $"!{i}:test", "taken", _ => end.Task).Task);
        }

        Assert.NotNull(tasks.Begin(AdminTaskKind.DeleteRoom, "!100:test", "taken", _ => end.Task).Error);
        end.SetResult();
    }
}
