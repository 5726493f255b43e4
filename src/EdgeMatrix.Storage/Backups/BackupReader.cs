using System.Security.Cryptography;
using System.Text;
using EdgeMatrix.Storage.Media;

namespace EdgeMatrix.Storage.Backups;

/// <summary>Reads a backup into a folder, and takes nothing but what <see cref="BackupWriter"/> writes, to the last byte.</summary>
/// <remarks>What it has written counts only when it returns: the sums stand at the end.</remarks>
internal sealed class BackupReader
{
    private const int ChunkBytes = 64 * 1024;

    private readonly Stream _input;
    private readonly string _folder;
    private readonly StringBuilder _sums = new();

    private BackupReader(Stream input, string folder)
    {
        _input = input;
        _folder = folder;
    }

    /// <exception cref="BackupException">It is not a whole backup.</exception>
    /// <exception cref="IOException">It cannot be read, or the folder not be written.</exception>
    public static void Read(Stream input, string folder)
    {
        var reader = new BackupReader(input, folder);
        try
        {
            reader.ReadEntries();
        }
        catch (EndOfStreamException exception)
        {
            throw new BackupException("it ends too early", exception);
        }
    }

    private void ReadEntries()
    {
        var last = "";
        while (last != BackupEntry.Sums)
        {
            if (BackupEntry.Read(ReadBytes(BackupEntry.BlockBytes)) is not var (name, size) || BackupEntry.PlaceOf(name) is not { } place)
            {
                throw new BackupException(last.Length == 0 ? "it is not a backup of EdgeMatrix" : $"what follows {last} is damaged, or none of ours");
            }

            if (!Follows(last, name, place))
            {
                throw new BackupException($"{name} stands where it does not belong");
            }

            if (name is BackupEntry.Format or BackupEntry.Sums)
            {
                RequireText(name, size);
            }
            else
            {
                ReadFile(name, size);
            }

            RequireZeros(BackupEntry.Padding(size));
            last = name;
        }

        RequireZeros(2 * BackupEntry.BlockBytes);
        if (_input.ReadByte() >= 0)
        {
            throw new BackupException("something follows its end");
        }
    }

    private static bool Follows(string last, string name, int place)
    {
        var before = last.Length == 0 ? -1 : BackupEntry.PlaceOf(last)!.Value;
        return before < 1 ? place == before + 1 : place > before || (BackupEntry.IsMedia(last) && string.CompareOrdinal(name, last) > 0);
    }

    private void RequireText(string name, long size)
    {
        var expected = Encoding.UTF8.GetBytes(name == BackupEntry.Format ? BackupEntry.FormatLine : _sums.ToString());
        if (size != expected.Length || !ReadBytes(expected.Length).AsSpan().SequenceEqual(expected))
        {
            throw new BackupException(name == BackupEntry.Format
                ? "it is damaged, or of a format that this EdgeMatrix does not know"
                : "it is damaged: the hashes are not those of its files");
        }

        Note(name, SHA256.HashData(expected));
    }

    private void ReadFile(string name, long size)
    {
        var path = Path.Combine(_folder, name);
        MakeFolder(Path.GetDirectoryName(path)!);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using (var file = new FileStream(path, DatabaseLock.OwnerOnly(FileMode.CreateNew)))
        {
            for (var left = size; left > 0; left -= Math.Min(left, ChunkBytes))
            {
                var bytes = ReadBytes((int)Math.Min(left, ChunkBytes));
                hash.AppendData(bytes);
                file.Write(bytes);
            }

            file.Flush(flushToDisk: true);
        }

        Note(name, hash.GetHashAndReset());
    }

    private static void MakeFolder(string path)
    {
        if (!Directory.Exists(path))
        {
            DataFolder.Create(path);
        }
    }

    private void Note(string name, byte[] hash) => _sums.Append(MediaHash.From(hash).Hex).Append("  ").Append(name).Append('\n');

    private void RequireZeros(int count)
    {
        if (ReadBytes(count).AsSpan().ContainsAnyExcept((byte)0))
        {
            throw new BackupException("it is damaged");
        }
    }

    private byte[] ReadBytes(int count)
    {
        var bytes = new byte[count];
        _input.ReadExactly(bytes);
        return bytes;
    }
}
