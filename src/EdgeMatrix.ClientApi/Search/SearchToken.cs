using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace EdgeMatrix.ClientApi.Search;

/// <summary>Where a search goes on: among the events that there were when it began, behind so many results, in all of them or in one group.</summary>
/// <param name="UpTo">The greatest nid.</param>
/// <param name="Skip">Results that were given.</param>
/// <param name="Group">The id of a room or a user; null: not in a group.</param>
internal readonly record struct SearchToken(long UpTo, int Skip, string? Group)
{
    public override string ToString()
    {
        var group = Group is null ? "" : "_" + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Group));
        return string.Create(CultureInfo.InvariantCulture, $"{UpTo}_{Skip}{group}");
    }

    public static bool TryParse(string text, out SearchToken token)
    {
        token = default;
        var parts = text.Split('_', 3);
        if (parts.Length < 2
            || !long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var upTo)
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var skip)
            || (parts.Length == 3 && !Base64Url.IsValid(parts[2])))
        {
            return false;
        }

        token = new SearchToken(upTo, skip, parts.Length == 3 ? Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[2])) : null);
        return true;
    }
}
