using System.Security.Cryptography;
using System.Text;
using EdgeMatrix.Storage.Media;

namespace EdgeMatrix.Storage.Backups;

/// <summary>Writes a backup, as <see cref="BackupEntry"/> tells, beside the running server.</summary>
/// <remarks>
/// The database comes before the media: a file is there before the database refers to it. One that is deleted meanwhile is left out.
/// The sums of all entries are held until the end, some 300 bytes each.
/// </remarks>
public sealed class BackupWriter
{
    private const int BufferBytes = 256 * 1024;

    private readonly Stream _output;
    private readonly StringBuilder _sums = new();
    private readonly List<string> _damaged = [];

    private BackupWriter(Stream output) => _output = output;

    /// <param name="data">The data folder.</param>
    /// <param name="configuration">The file in use, or null.</param>
    /// <param name="output">Need not be able to seek; stays open.</param>
    /// <returns>The media whose bytes are not those that were uploaded; they are in the backup as they are.</returns>
    /// <exception cref="DatabaseException">The database is not there, not ours, of another schema, or not accessible.</exception>
    /// <exception cref="IOException">A file cannot be read, or the output not be written.</exception>
    public static IReadOnlyList<string> Write(DatabaseOptions database, string data, string? configuration, Stream output)
    {
        var buffered = new BufferedStream(output, BufferBytes);
        var writer = new BackupWriter(buffered);
        using (var copy = DatabaseCopy.Open(database))
        {
            writer.AddText(BackupEntry.Format, BackupEntry.FormatLine);
            writer.Add(BackupEntry.Database, copy.Length, copy.Write);
        }

        if (configuration is not null)
        {
            writer.AddFile(BackupEntry.Configuration, configuration);
        }

        writer.AddFile(BackupEntry.Certificate, Path.Combine(data, BackupEntry.Certificate));
        writer.AddMedia(Path.Combine(data, BackupEntry.Media));
        writer.AddText(BackupEntry.Sums, writer._sums.ToString());
        buffered.Write(new byte[2 * BackupEntry.BlockBytes]);
        buffered.Flush();
        return writer._damaged;
    }

    /// <summary>Whether a file begins as a backup does.</summary>
    public static bool IsBackup(Stream file)
    {
        var start = new byte[BackupEntry.BlockBytes];
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length
            && BackupEntry.Read(start) is { Name: BackupEntry.Format };
    }

    /// <summary>Whether a file is what a power cut may leave of a backup that was being written: of its first block as much as came to the disk.</summary>
    public static bool IsRemnant(Stream file)
    {
        var start = new byte[BackupEntry.BlockBytes];
        file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        var whole = BackupEntry.Header(BackupEntry.Format, Encoding.UTF8.GetByteCount(BackupEntry.FormatLine));
        return start.Zip(whole).All(pair => pair.First == 0 || pair.First == pair.Second);
    }

    private void AddMedia(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return;
        }

        // What is being uploaded lies in folders of other names.
        foreach (var start in Directory.GetDirectories(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal))
        {
            foreach (var rest in Directory.GetFiles(Path.Combine(folder, start)).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal))
            {
                var name = $"{BackupEntry.Media}/{start}/{rest}";
                if (BackupEntry.IsMedia(name) && AddFile(name, Path.Combine(folder, start, rest)) is { } sum && sum != start + rest)
                {
                    _damaged.Add(name);
                }
            }
        }
    }

    /// <returns>The SHA-256, in hex; null if the file is not there.</returns>
    private string? AddFile(string name, string path)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        using (file)
        {
            var left = file.Length;
            return Add(name, left, write =>
            {
                var buffer = new byte[64 * 1024];
                for (; left > 0; left -= buffer.Length)
                {
                    buffer = left < buffer.Length ? new byte[left] : buffer;
                    file.ReadExactly(buffer);
                    write(buffer);
                }
            });
        }
    }

    private void AddText(string name, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Add(name, bytes.Length, write => write(bytes));
    }

    private string Add(string name, long size, Action<Action<byte[]>> content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        _output.Write(BackupEntry.Header(name, size));
        content(bytes =>
        {
            hash.AppendData(bytes);
            _output.Write(bytes);
        });
        _output.Write(new byte[BackupEntry.Padding(size)]);
        var sum = MediaHash.From(hash.GetHashAndReset()).Hex;
        _sums.Append(sum).Append("  ").Append(name).Append('\n');
        return sum;
    }
}
