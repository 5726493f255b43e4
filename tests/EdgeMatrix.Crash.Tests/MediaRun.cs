using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using EdgeMatrix.Accounts;
using EdgeMatrix.Configuration;
using EdgeMatrix.Crash.Tests.Disks;
using EdgeMatrix.Testing;
using Xunit;

namespace EdgeMatrix.Crash.Tests;

/// <summary>What users can download after a step: bytes by media id. What is in quarantine, or deleted, is not among it.</summary>
internal sealed record MediaStep(string Name, IReadOnlyDictionary<string, byte[]> Files);

/// <summary>Programs at work on media and on the file of the database, traced: a server, <c>storage --vacuum</c>, and a server again.</summary>
internal sealed class MediaRun : IDisposable
{
    private const string Program = "edgematrix.dll";
    private const string Picture =
        "iVBORw0KGgoAAAANSUhEUgAAAMgAAADICAIAAAAiOjnJAAABeElEQVR42u3SMQ0AAAgEsZeCNKQhFRMMDE2q4HKpHjgXCTAWxsJYYCyMhbHAWBgLY4GxMBbGAmNhLIwFxsJYGAuMhbEwFhgLY2EsMBbGwlhg"
        + "LIyFscBYGAtjgbEwFsYCY2EsjAXGwlgYC4yFsTAWGAtjYSwwFsbCWGAsjIWxwFgYC2OBsTAWxgJjYSyMBcbCWBgLjIWxMBYYC2NhLDAWxsJYYCyMhbHAWBgLY4GxMBbGAmNhLIyFsVTAWBgLY4GxMBbGAmNh"
        + "LIwFxsJYGAuMhbEwFhgLY2EsMBbGwlhgLIyFscBYGAtjgbEwFsYCY2EsjAXGwlgYC4yFsTAWGAtjYSwwFsbCWGAsjIWxwFgYC2OBsTAWxgJjYSyMBcbCWBgLjIWxMBYYC2NhLDAWxsJYYCyMhbHAWBgLY4Gx"
        + "MBbGAmNhLIwFxsJYGAtjqYCxMBbGAmNhLIwFxsJYGAuMhbEwFhgLY2EsMBbGwlhgLIyFscBYGAtjgbH4ZgFhrdJCRwLdzQAAAABJRU5ErkJggg==";

    private readonly bool _relaxed;
    private readonly string _traces = TestFolder.Create();
    private readonly Dictionary<string, byte[]> _files = [];
    private readonly List<MediaStep> _steps = [];
    private string _token = "";

    private MediaRun(bool relaxed)
    {
        _relaxed = relaxed;
        Traced = new TracedFolder(Folder);
    }

    public string Folder { get; } = TestFolder.Create();

    public TracedFolder Traced { get; }

    public IReadOnlyList<MediaStep> Steps => _steps;

    /// <summary>Of the administrator who uploaded it all.</summary>
    public string Token => _token;

    public static async Task<MediaRun> PlayAsync(bool relaxed)
    {
        var run = new MediaRun(relaxed);
        await run.PlayAsync();
        return run;
    }

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        Directory.Delete(_traces, recursive: true);
    }

    private async Task PlayAsync()
    {
        await using (var server = await TestHomeserver.StartAsync(options => options with { Server = options.Server with { Data = Folder } }))
        {
            await server.Part<UserAccounts>().AddAsync("alice", "secret", admin: true, CancellationToken.None);
            _token = (await server.LogInAsync("alice")).Token;
        }

        Traced.Begin();
        Done("before");
        await ServeAsync("first", async http =>
        {
            var random = new Random(7);
            var (small, large) = (new byte[9_000], new byte[70_000]);
            random.NextBytes(small);
            random.NextBytes(large);
            var first = await UploadAsync(http, small, "an upload");
            var second = await UploadAsync(http, large, "a larger upload");
            var again = await UploadAsync(http, small, "the same bytes again");
            var picture = await UploadAsync(http, Convert.FromBase64String(Picture), "a picture");
            await OkAsync(http.GetAsync(new Uri($"/_matrix/client/v1/media/thumbnail/test/{picture}?width=32&height=32&method=crop", UriKind.Relative)));
            Done("a thumbnail");
            await RemoveAsync(http, first, "one of two ids deleted");
            await OkAsync(http.PostAsync(new Uri($"/_synapse/admin/v1/media/quarantine/test/{second}", UriKind.Relative), null));
            _files.Remove(second);
            Done("a quarantine");
            await RemoveAsync(http, again, "the other id deleted");
            await RemoveAsync(http, picture, "the picture deleted");
            var kept = new byte[30_000];
            random.NextBytes(kept);
            await UploadAsync(http, kept, "an upload after that");
        });
        Done("a shutdown");
        using (var vacuum = Start("vacuum", "storage", "--vacuum"))
        {
            await vacuum.WaitForExitAsync();
            Assert.Equal(0, vacuum.ExitCode);
        }

        Done("a vacuum");
        Traced.Read(Calls("first"));
        Traced.Read(Calls("vacuum"));
        await ServeAsync("second", http => UploadAsync(http, new byte[5_000], "an upload after the vacuum"));
        Done("the last shutdown");
        Traced.Read(Calls("second"));
    }

    private async Task ServeAsync(string name, Func<HttpClient, Task> work)
    {
        using var process = Start(
            name, "serve", "--listen", "http://127.0.0.1:0", "--set", "limits.rate=off", "--set", $"storage.durability={(_relaxed ? "relaxed" : "full")}");
        var address = "";
        while (address.Length == 0 && await process.StandardOutput.ReadLineAsync() is { } line)
        {
            address = line.StartsWith("ready ", StringComparison.Ordinal) ? line[(line.IndexOf("listen=", StringComparison.Ordinal) + "listen=".Length)..] : "";
        }

        using (var http = new HttpClient { BaseAddress = new Uri(address) })
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
            await work(http);
        }

        // The signal is for the server, not for strace.
        var child = (await File.ReadAllTextAsync($"/proc/{process.Id}/task/{process.Id}/children")).Trim();
        using (var kill = Process.Start("kill", ["-TERM", child]))
        {
            await kill.WaitForExitAsync();
        }

        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    private Process Start(string name, params string[] command)
    {
        string[] words =
        [
            .. TracedFolder.Words(Calls(name)), "dotnet", "exec", Path.Combine(AppContext.BaseDirectory, Program), .. command, "--data", Folder, "--server-name", "test",
        ];
        return Process.Start(new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardOutput = true,
            Environment = { ["DOTNET_CLI_HOME"] = "/tmp", ["DOTNET_EnableDiagnostics"] = "0" },
        })!;
    }

    private string Calls(string name) => Path.Combine(_traces, name);

    private async Task<string> UploadAsync(HttpClient http, byte[] bytes, string step)
    {
        using var content = new ByteArrayContent(bytes);
        var answer = await OkAsync(http.PostAsync(new Uri("/_matrix/media/v3/upload", UriKind.Relative), content));
        using var json = JsonDocument.Parse(answer);
        var id = json.RootElement.GetProperty("content_uri").GetString()!["mxc://test/".Length..];
        _files[id] = bytes;
        Done(step);
        return id;
    }

    private async Task RemoveAsync(HttpClient http, string id, string step)
    {
        await OkAsync(http.DeleteAsync(new Uri($"/_synapse/admin/v1/media/test/{id}", UriKind.Relative)));
        _files.Remove(id);
        Done(step);
    }

    private void Done(string step)
    {
        _steps.Add(new MediaStep(step, new Dictionary<string, byte[]>(_files)));
        Traced.Acknowledge(_steps.Count - 1);
    }

    private static async Task<string> OkAsync(Task<HttpResponseMessage> asked)
    {
        using var answer = await asked;
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.OK, text);
        return text;
    }
}
