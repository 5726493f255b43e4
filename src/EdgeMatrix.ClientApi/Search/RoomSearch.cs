using EdgeMatrix.ClientApi.Rooms;
using EdgeMatrix.Protocol.Events;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.Rooms;
using EdgeMatrix.Storage.Search;

namespace EdgeMatrix.ClientApi.Search;

/// <param name="Rank">How well it fits; higher is better.</param>
internal sealed record SearchHit(RoomView View, StoredEvent Stored, Pdu Pdu, double Rank);

/// <summary>Searches the rooms of one user, in one snapshot.</summary>
internal sealed class RoomSearch(Snapshot db, RoomEngine engine, Requester requester)
{
    // What a search looks at: the newest events that have its words.
    private const int MaxFound = 1_000;

    // An expression of FTS5 may not be endless. With more rooms those that are not the user's are read and left out.
    private const int MaxRoomsNamed = 200;

    private readonly Dictionary<long, RoomView?> _views = [];

    /// <summary>What the user may see of what was found, in the order that was asked for.</summary>
    public List<SearchHit> Find(SearchRequest request, IReadOnlyList<string> terms, SearchToken token)
    {
        var rooms = Rooms(request);
        if (terms.Count == 0 || rooms.Count == 0 || request.Filter.MatchesNothing)
        {
            return [];
        }

        var hits = new List<SearchHit>();
        foreach (var (nid, room) in SearchTable.Find(db, terms, rooms.Count <= MaxRoomsNamed ? rooms : null, token.UpTo, MaxFound))
        {
            if (rooms.Contains(room) && ViewOf(room) is { } view && request.Filter.MatchesRoom(view.Room.Id)
                && EventTable.Find(db, nid) is { } stored && Hit(view, stored, request, terms) is { } hit
                && (token.Group is null || token.Group == view.Room.Id || token.Group == hit.Pdu.Sender))
            {
                hits.Add(hit);
            }
        }

        // The sort keeps the newer one first where two fit as well.
        return request.Recent ? hits : [.. hits.OrderByDescending(hit => hit.Rank)];
    }

    private static SearchHit? Hit(RoomView view, StoredEvent stored, SearchRequest request, IReadOnlyList<string> terms)
    {
        var pdu = view.Parse(stored);
        if (SearchableText.Of(pdu.Type, pdu.Content) is not { } text
            || request.Keys?.Contains(SearchableText.KeyOf(pdu.Type)!) == false
            || !request.Filter.Matches(pdu) || view.IsIgnored(stored) || !view.Visibility.MaySee(stored))
        {
            return null;
        }

        var words = SearchTerms.Of(text);
        var found = words.Sum(word => terms.Contains(word) ? 1 : terms.Any(term => word.StartsWith(term, StringComparison.Ordinal)) ? 0.5 : 0);
        var whole = text.Contains(request.Term, StringComparison.OrdinalIgnoreCase) ? 2 : 1;
        return new SearchHit(view, stored, pdu, whole * (found + 0.1) / Math.Sqrt(words.Count + 1));
    }

    // Rooms that the user is in, or was; what may be seen of them is told event by event.
    private HashSet<long> Rooms(SearchRequest request)
    {
        var own = MembershipTable.AllOfUser(db, requester.UserNid)
            .Where(row => !row.Forgotten && row.Membership is Membership.Join or Membership.Leave or Membership.Ban)
            .Select(row => row.Room)
            .ToHashSet();
        if (request.Filter.Rooms is { } wanted)
        {
            own.IntersectWith(wanted.Select(id => RoomTable.Find(db, id)?.Nid ?? 0));
        }

        return own;
    }

    private RoomView? ViewOf(long room)
    {
        if (!_views.TryGetValue(room, out var view))
        {
            _views[room] = view = RoomTable.Find(db, room) is { } row ? RoomView.In(db, engine, requester, row) : null;
        }

        return view;
    }
}
