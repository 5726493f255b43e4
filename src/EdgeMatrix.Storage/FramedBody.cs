using System.Buffers;

namespace EdgeMatrix.Storage;

/// <summary>Parts a folded event (see <see cref="FoldedBody"/>) into its <see cref="EventFrame"/> and what is its own, and joins the two.</summary>
internal static class FramedBody
{
    /// <summary>Parts an event.</summary>
    /// <param name="ownText">At least as long as the text; takes what is the event's own, a folded object too.</param>
    /// <param name="ownRaw">At least as long as the raw bytes.</param>
    /// <returns>Null if joining the parts would not give the same again.</returns>
    public static EventFrame? TrySplit(
        ReadOnlySpan<byte> text, ReadOnlySpan<byte> raw, Span<byte> ownText, Span<byte> ownRaw, out int ownTextLength, out int ownRawLength)
    {
        var frame = new Part(new byte[text.Length], new byte[raw.Length]);
        var own = new Part(ownText, ownRaw);
        var members = new JsonMembers(text);
        var left = raw;
        while (members.Next())
        {
            var bytes = FoldedBody.RawLength(members.Member);
            if (bytes > left.Length)
            {
                break;
            }

            var (isOwn, isOwnRaw) = Of(members.Key);
            if (isOwn)
            {
                own.AddText(members.Member);
            }
            else
            {
                frame.AddText(members.Member);
            }

            if (isOwn || isOwnRaw)
            {
                own.AddRaw(left[..bytes]);
            }
            else
            {
                frame.AddRaw(left[..bytes]);
            }

            left = left[bytes..];
        }

        own.End();
        frame.End();
        (ownTextLength, ownRawLength) = (own.Text.Length, own.Raw.Length);
        var result = new EventFrame(frame.Text.ToArray(), frame.Raw.ToArray());
        var joined = new byte[text.Length + 2];
        var joinedRaw = new byte[raw.Length];
        return TryJoin(result, own.Text, own.Raw, joined, joinedRaw, out var length)
            && joined.AsSpan(0, length).SequenceEqual(text)
            && joinedRaw.AsSpan().SequenceEqual(raw)
                ? result
                : null;
    }

    /// <summary>Joins what <see cref="TrySplit"/> parted; false if the two do not belong together.</summary>
    /// <param name="text">As long as both texts.</param>
    /// <param name="raw">As long as the raw bytes of both.</param>
    public static bool TryJoin(
        EventFrame frame, ReadOnlySpan<byte> ownText, ReadOnlySpan<byte> ownRaw, Span<byte> text, Span<byte> raw, out int textLength)
    {
        var joined = new Part(text, raw);
        var frameRaw = frame.Raw.AsSpan();
        var shared = new JsonMembers(frame.Text);
        var own = new JsonMembers(ownText);
        var (hasShared, hasOwn) = (shared.Next(), own.Next());
        textLength = 0;
        while (hasShared || hasOwn)
        {
            var takeOwn = !hasShared || (hasOwn && own.Key.SequenceCompareTo(shared.Key) < 0);
            var member = takeOwn ? own.Member : shared.Member;
            var bytes = FoldedBody.RawLength(member);
            if (takeOwn || Of(shared.Key).IsOwnRaw)
            {
                if (bytes > ownRaw.Length)
                {
                    return false;
                }

                joined.AddRaw(ownRaw[..bytes]);
                ownRaw = ownRaw[bytes..];
            }
            else
            {
                if (bytes > frameRaw.Length)
                {
                    return false;
                }

                joined.AddRaw(frameRaw[..bytes]);
                frameRaw = frameRaw[bytes..];
            }

            joined.AddText(member);
            (hasShared, hasOwn) = takeOwn ? (hasShared, own.Next()) : (shared.Next(), hasOwn);
        }

        joined.End();
        textLength = joined.Text.Length;
        return ownRaw.IsEmpty && frameRaw.IsEmpty;
    }

    /// <summary>The whole event of its parts; null if they do not belong together.</summary>
    public static byte[]? Join(EventFrame frame, ReadOnlySpan<byte> ownText, ReadOnlySpan<byte> ownRaw)
    {
        var text = ArrayPool<byte>.Shared.Rent(frame.Text.Length + ownText.Length);
        var raw = ArrayPool<byte>.Shared.Rent(frame.Raw.Length + ownRaw.Length);
        var body = TryJoin(frame, ownText, ownRaw, text, raw, out var length)
            ? FoldedBody.Unfold(text.AsSpan(0, length), raw.AsSpan(0, frame.Raw.Length + ownRaw.Length))
            : null;
        ArrayPool<byte>.Shared.Return(text);
        ArrayPool<byte>.Shared.Return(raw);
        return body;
    }

    /// <summary>Whether a member is the event's own, and whether its hashes and signatures are, where the rest of it is shared.</summary>
    private static (bool IsOwn, bool IsOwnRaw) Of(ReadOnlySpan<byte> key) =>
        (key.SequenceEqual("content"u8)
            || key.SequenceEqual("depth"u8)
            || key.SequenceEqual("origin_server_ts"u8)
            || key.SequenceEqual("prev_events"u8)
            || key.SequenceEqual("prev_state_events"u8)
            || key.SequenceEqual("redacts"u8),
            key.SequenceEqual("hashes"u8) || key.SequenceEqual("signatures"u8));

    /// <summary>An object being written, and the raw bytes beside it.</summary>
    private ref struct Part(Span<byte> text, Span<byte> raw)
    {
        private readonly Span<byte> _text = text;
        private readonly Span<byte> _raw = raw;
        private int _textLength;
        private int _rawLength;

        public readonly ReadOnlySpan<byte> Text => _text[.._textLength];

        public readonly ReadOnlySpan<byte> Raw => _raw[.._rawLength];

        public void AddText(ReadOnlySpan<byte> member)
        {
            _text[_textLength] = _textLength == 0 ? (byte)'{' : (byte)',';
            member.CopyTo(_text[(_textLength + 1)..]);
            _textLength += member.Length + 1;
        }

        public void AddRaw(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(_raw[_rawLength..]);
            _rawLength += bytes.Length;
        }

        /// <summary>Ends the object. One without members is no text at all.</summary>
        public void End()
        {
            if (_textLength > 0)
            {
                _text[_textLength++] = (byte)'}';
            }
        }
    }
}
