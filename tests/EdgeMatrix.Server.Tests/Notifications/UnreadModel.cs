namespace EdgeMatrix.Server.Tests.Notifications;

/// <summary>What the users of one room were notified of, and have read, as the specification tells it: event by event, and slowly.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications</remarks>
internal sealed class UnreadModel
{
    private readonly List<(string Event, string Thread)> _timeline = [];
    private readonly Dictionary<string, List<Notification>> _ofUser = [];
    private readonly Dictionary<(string User, string Type, string Thread), int> _receipts = [];

    public HashSet<string> Joined { get; } = [];

    public List<string> Roots { get; } = [];

    /// <summary>Somebody said something.</summary>
    /// <param name="thread">The id of the thread's root, or <c>main</c>.</param>
    /// <param name="notifies">Null: nobody, such as a redaction.</param>
    /// <param name="mentioned">Whom it mentions.</param>
    public void Said(string sender, string eventId, string thread, bool notifies, string? mentioned)
    {
        _timeline.Add((eventId, thread));
        Read(sender, _timeline.Count - 1, thread);
        foreach (var user in Joined.Where(user => notifies && user != sender))
        {
            Of(user).Add(new Notification(_timeline.Count - 1, thread, user == mentioned));
        }
    }

    public void Receipt(string user, string type, string thread, string eventId)
    {
        var at = _timeline.FindIndex(known => known.Event == eventId);
        if (_receipts.GetValueOrDefault((user, type, thread), -1) < at)
        {
            _receipts[(user, type, thread)] = at;
            Read(user, at, thread);
        }
    }

    public void Redacted(string eventId)
    {
        var at = _timeline.FindIndex(known => known.Event == eventId);
        foreach (var notifications in _ofUser.Values)
        {
            notifications.RemoveAll(notification => notification.At == at);
        }
    }

    public void Moved(string user, bool joins)
    {
        Read(user, _timeline.Count - 1, "");
        _ = joins ? Joined.Add(user) : Joined.Remove(user);
    }

    /// <summary>Unread notifications and highlights of each thread in which there are some.</summary>
    public SortedDictionary<string, (int Notifications, int Highlights)> Unread(string user)
    {
        var counts = new SortedDictionary<string, (int, int)>(StringComparer.Ordinal) { ["main"] = default };
        foreach (var thread in Of(user).Where(notification => !notification.Read).GroupBy(notification => notification.Thread))
        {
            counts[thread.Key] = (thread.Count(), thread.Count(notification => notification.Highlight));
        }

        return counts;
    }

    /// <summary>The events that a user was notified of, the newest first, and whether they have read each.</summary>
    public List<(string Event, bool Read)> Listed(string user, bool highlightsOnly) => [.. Of(user)
        .Where(notification => notification.Highlight || !highlightsOnly)
        .OrderByDescending(notification => notification.At)
        .Select(notification => (_timeline[notification.At].Event, notification.Read))];

    private void Read(string user, int upTo, string thread)
    {
        foreach (var notification in Of(user).Where(notification => notification.At <= upTo && (thread.Length == 0 || notification.Thread == thread)))
        {
            notification.Read = true;
        }
    }

    private List<Notification> Of(string user)
    {
        if (!_ofUser.TryGetValue(user, out var notifications))
        {
            _ofUser[user] = notifications = [];
        }

        return notifications;
    }

    private sealed class Notification(int at, string thread, bool highlight)
    {
        public int At => at;

        public string Thread => thread;

        public bool Highlight => highlight;

        public bool Read { get; set; }
    }
}
