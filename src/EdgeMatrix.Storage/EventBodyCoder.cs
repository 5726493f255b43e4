using System.Buffers;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace EdgeMatrix.Storage;

/// <summary>The working memory of one packing or unpacking at a time.</summary>
internal sealed class EventBodyCoder : IDisposable
{
    // On events with this dictionary the higher levels gain nothing; the tables are what a coder weighs.
    private const int Level = 6;
    private const int WindowLog = 16;
    private const int TableLog = 14;

    // zstd's experimental parameters by their names in zstd.h.
    private const ZSTD_cParameter CompressFormat = ZSTD_cParameter.ZSTD_c_experimentalParam2;
    private const ZSTD_dParameter DecompressFormat = ZSTD_dParameter.ZSTD_d_experimentalParam1;

    private readonly byte[] _dictionary;
    private readonly byte[] _text = new byte[EventBodyCodec.MaxPackedBytes];
    private readonly byte[] _raw = new byte[FoldedBody.MaxRawBytes];
    private Compressor? _compressor;
    private Decompressor? _decompressor;

    public EventBodyCoder(byte[] dictionary) => _dictionary = dictionary;

    /// <summary>The packed body, or null if it is not worth packing.</summary>
    public byte[]? Pack(ReadOnlySpan<byte> body) =>
        FoldedBody.TryFold(body, _text, _raw, out var textLength, out var rawLength)
            ? Pack([EventBodyCodec.Folded, Units(rawLength)], _raw.AsSpan(0, rawLength), _text.AsSpan(0, textLength), body.Length)
            : null;

    /// <summary>The frame of the body, and what is its own, packed; null if it is not worth parting.</summary>
    public (EventFrame Frame, byte[] Own)? PackFramed(ReadOnlySpan<byte> body)
    {
        if (!FoldedBody.TryFold(body, _text, _raw, out var textLength, out var rawLength))
        {
            return null;
        }

        var ownText = ArrayPool<byte>.Shared.Rent(textLength + 2);
        var ownRaw = ArrayPool<byte>.Shared.Rent(rawLength);
        var frame = FramedBody.TrySplit(
            _text.AsSpan(0, textLength), _raw.AsSpan(0, rawLength), ownText, ownRaw, out var ownTextLength, out var ownRawLength);
        var own = frame is null ? null : PackOwn(frame, ownText.AsSpan(0, ownTextLength), ownRaw.AsSpan(0, ownRawLength), body);
        ArrayPool<byte>.Shared.Return(ownText);
        ArrayPool<byte>.Shared.Return(ownRaw);
        return own is null ? null : (frame!, own);
    }

    /// <summary>The packed frame, or null if it is not worth packing.</summary>
    public byte[]? Pack(EventFrame frame) =>
        Pack([EventBodyCodec.Folded, Units(frame.Raw.Length)], frame.Raw, frame.Text, frame.Text.Length + frame.Raw.Length);

    /// <exception cref="DatabaseException">The bytes are damaged.</exception>
    public byte[] Unpack(ReadOnlySpan<byte> packed)
    {
        EnsureHead(packed);
        var raw = Unpack(packed, packed[2..], out var textLength);
        return FoldedBody.Unfold(_text.AsSpan(0, textLength), raw) ?? throw EventBodyCodec.Damaged(null);
    }

    /// <exception cref="DatabaseException">The bytes are damaged, or those of another frame.</exception>
    public byte[] Unpack(ReadOnlySpan<byte> packed, EventFrame frame)
    {
        EnsureHead(packed);
        var rest = packed[2..];
        var (depth, originServerTs) = (0UL, 0UL);
        var isLean = packed[0] == EventBodyCodec.Lean;
        if (isLean && !(Varint.TryRead(ref rest, out depth) && Varint.TryRead(ref rest, out originServerTs)))
        {
            throw EventBodyCodec.Damaged(null);
        }

        var raw = Unpack(packed, rest, out var length);
        var text = _text.AsSpan(0, length);
        var body = isLean ? new LeanBody(text, depth, originServerTs, raw).Join(frame) : FramedBody.Join(frame, text, raw);
        return body ?? throw EventBodyCodec.Damaged(null);
    }

    /// <exception cref="DatabaseException">The bytes are damaged.</exception>
    public EventFrame UnpackFrame(ReadOnlySpan<byte> packed)
    {
        EnsureHead(packed);
        var raw = Unpack(packed, packed[2..], out var textLength).ToArray();
        return new EventFrame(_text[..textLength], raw);
    }

    public void Dispose()
    {
        _compressor?.Dispose();
        _decompressor?.Dispose();
    }

    private static void EnsureHead(ReadOnlySpan<byte> packed)
    {
        if (packed.Length < 2)
        {
            throw EventBodyCodec.Damaged(null);
        }
    }

    private static byte Units(int rawLength) => (byte)(rawLength / FoldedBody.UnitBytes);

    private byte[]? PackOwn(EventFrame frame, ReadOnlySpan<byte> text, ReadOnlySpan<byte> raw, ReadOnlySpan<byte> body)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(raw.Length);
        try
        {
            if (!LeanBody.TryTake(frame, text, raw, body, buffer, out var lean))
            {
                return Pack([EventBodyCodec.Framed, Units(raw.Length)], raw, text, body.Length);
            }

            Span<byte> head = stackalloc byte[2 + (2 * Varint.MaxBytes)];
            (head[0], head[1]) = (EventBodyCodec.Lean, Units(lean.Raw.Length));
            return Pack(head[..(2 + lean.WriteNumbers(head[2..]))], lean.Raw, lean.Content, body.Length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <param name="worth">Nothing longer than this is of use.</param>
    private byte[]? Pack(ReadOnlySpan<byte> head, ReadOnlySpan<byte> raw, ReadOnlySpan<byte> text, int worth)
    {
        Span<byte> packed = worth <= 2048 ? stackalloc byte[worth] : new byte[worth];
        var at = head.Length + raw.Length;
        if (at >= packed.Length)
        {
            return null;
        }

        head.CopyTo(packed);
        raw.CopyTo(packed[head.Length..]);
        return Compressor().TryWrap(text, packed[at..], out var length) ? packed[..(at + length)].ToArray() : null;
    }

    /// <summary>Unpacks the text into the working memory; the raw bytes lie as they are.</summary>
    /// <param name="rest">What follows the head.</param>
    private ReadOnlySpan<byte> Unpack(ReadOnlySpan<byte> packed, ReadOnlySpan<byte> rest, out int textLength)
    {
        var rawLength = packed[1] * FoldedBody.UnitBytes;
        if (rest.Length < rawLength)
        {
            throw EventBodyCodec.Damaged(null);
        }

        try
        {
            textLength = Decompressor().Unwrap(rest[rawLength..], _text);
            return rest[..rawLength];
        }
        catch (ZstdException exception)
        {
            throw EventBodyCodec.Damaged(exception);
        }
    }

    private Compressor Compressor()
    {
        if (_compressor is null)
        {
            _compressor = new Compressor(Level);

            // What a frame says about itself is known here: 11 bytes an event.
            _compressor.SetParameter(CompressFormat, (int)ZSTD_format_e.ZSTD_f_zstd1_magicless);
            _compressor.SetParameter(ZSTD_cParameter.ZSTD_c_contentSizeFlag, 0);
            _compressor.SetParameter(ZSTD_cParameter.ZSTD_c_dictIDFlag, 0);
            _compressor.SetParameter(ZSTD_cParameter.ZSTD_c_windowLog, WindowLog);
            _compressor.SetParameter(ZSTD_cParameter.ZSTD_c_hashLog, TableLog);
            _compressor.SetParameter(ZSTD_cParameter.ZSTD_c_chainLog, TableLog);
            _compressor.LoadDictionary(_dictionary);
        }

        return _compressor;
    }

    private Decompressor Decompressor()
    {
        if (_decompressor is null)
        {
            _decompressor = new Decompressor();
            _decompressor.SetParameter(DecompressFormat, (int)ZSTD_format_e.ZSTD_f_zstd1_magicless);
            _decompressor.LoadDictionary(_dictionary);
        }

        return _decompressor;
    }
}
