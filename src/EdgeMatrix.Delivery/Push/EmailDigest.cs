using System.Globalization;
using System.Net;
using System.Text;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Rooms;
using EdgeMatrix.Storage;

namespace EdgeMatrix.Delivery.Push;

/// <summary>Writes the mail that tells a user of what is unread.</summary>
/// <remarks>
/// Of encrypted messages the server can tell nothing, and of others nothing to whoever asked for <c>event_id_only</c>: a mail is read by more
/// servers than a message.
/// </remarks>
internal sealed class EmailDigest
{
    private const int MaxEvents = 20;
    private const int MaxBody = 200;
    private const int MaxName = 80;

    private readonly List<(string RoomId, string Name, List<(string Sender, string What)> Events)> _rooms = [];
    private int _events;

    public bool IsEmpty => _events == 0;

    public void Add(Session db, PushedTo pushed)
    {
        if (++_events > MaxEvents)
        {
            return;
        }

        var sender = Clean(pushed.Event.DisplayName(pushed.Pdu.Sender) ?? pushed.Pdu.Sender, MaxName);
        var index = _rooms.FindIndex(room => room.RoomId == pushed.Room.Id);
        if (index < 0)
        {
            index = _rooms.Count;
            _rooms.Add((pushed.Room.Id, Clean(pushed.RoomName(db) ?? pushed.RoomAlias(db) ?? $"A room with {sender}", MaxName), []));
        }

        _rooms[index].Events.Add((sender, WhatIsSaid(pushed)));
    }

    /// <param name="to">The address, which is the pushkey.</param>
    /// <param name="countsOnly">Whether no names and texts are to be told.</param>
    /// <param name="more">Whether there is more than was added.</param>
    /// <param name="unsubscribe">The URL at which the user wants no more of them.</param>
    public MailMessage Write(string to, string server, string userId, bool countsOnly, bool more, string unsubscribe)
    {
        var count = string.Create(CultureInfo.InvariantCulture, $"{_events}{(more ? " or more" : "")}");
        var subject = _events == 1 && !more ? $"An unread message at {server}" : $"{count} unread messages at {server}";
        var ending = $"This mail is for {userId}. To get no more of them:";
        var text = new StringBuilder();
        var html = new StringBuilder("<!DOCTYPE html><html><head><meta charset=\"utf-8\"></head><body>");
        if (countsOnly)
        {
            text.Append(subject).Append(".\n");
            html.Append("<p>").Append(Escape(subject)).Append(".</p>");
        }
        else
        {
            foreach (var (_, name, events) in _rooms)
            {
                text.Append(name).Append('\n');
                html.Append("<h3>").Append(Escape(name)).Append("</h3><ul>");
                foreach (var (sender, what) in events)
                {
                    text.Append("  ").Append(sender).Append(": ").Append(what).Append('\n');
                    html.Append("<li><b>").Append(Escape(sender)).Append("</b>: ").Append(Escape(what)).Append("</li>");
                }

                text.Append('\n');
                html.Append("</ul>");
            }

            if (_events > MaxEvents || more)
            {
                text.Append("And more.\n");
                html.Append("<p>And more.</p>");
            }
        }

        text.Append('\n').Append(ending).Append('\n').Append(unsubscribe).Append('\n');
        html.Append("<hr><p>").Append(Escape(ending)).Append(" <a href=\"").Append(Escape(unsubscribe)).Append("\">unsubscribe</a></p></body></html>");
        return new MailMessage(to, subject, text.ToString()) { Html = html.ToString(), Unsubscribe = unsubscribe };
    }

    private static string WhatIsSaid(PushedTo pushed) => pushed.Pdu.Type switch
    {
        "m.room.message" when JsonContent.Text(pushed.Pdu.Content, "body") is { } body => Clean(body, MaxBody),
        "m.room.encrypted" => "an encrypted message",
        "m.room.member" when pushed.Pdu.StateKey == pushed.UserId && JsonContent.Text(pushed.Pdu.Content, "membership") == "invite" => "invites you",
        "m.room.message" => "a message that was deleted",
        _ => "something else",
    };

    private static string Clean(string text, int most)
    {
        var clean = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (clean.Length >= most)
            {
                return clean.Append('…').ToString();
            }

            clean.Append((Rune.IsControl(rune) ? new Rune(' ') : rune).ToString());
        }

        return clean.ToString();
    }

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}
