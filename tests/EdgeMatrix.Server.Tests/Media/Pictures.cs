using EdgeMatrix.Media.Pictures;

namespace EdgeMatrix.Server.Tests.Media;

/// <summary>Pictures for tests: the left half red, the right half blue.</summary>
internal static class Pictures
{
    // What libwebp made, through Skia, of such pictures of 200 by 100, and of 1000 by 500 in two frames with the halves exchanged.
    public static byte[] LossyWebp => Convert.FromBase64String(
        "UklGRrIAAABXRUJQVlA4IKYAAAAQCwCdASrIAGQAPm02mEkkIyKhIsgAgA2JZ27hdfvAD8ANix4B+EFGA/ACu/9wAAIvE2YOwZ+jh8j/Cg+TWnyP8KD5NafI/woPk1p8"
        + "j/Cg+TWnyP8KD5NafI/woPk1p8OAAP7/KL760d0oZkvkdvID+QH/8e+bGOn/3OFZ1gEz2PfyAPgKlcv/5Af54EK6nmpZd7dbWDPIcadEcD1JdGnEujThwAAA");

    public static byte[] LossyWebpWithAlpha => Convert.FromBase64String(
        "UklGRuYAAABXRUJQVlA4WAoAAAAQAAAAxwAAYwAAQUxQSBoAAAABD/DA/4iIQCZtU/9q62BfJYyI/k8A2eWrBlZQOCCmAAAAEAsAnQEqyABkAD5tNphJJCMioSLIAIANiW"
        + "du4XX7wA/ADYseAfhBRgPwArv/cAACLxNmDsGfo4fI/woPk1p8j/Cg+TWnyP8KD5NafI/woPk1p8j/Cg+TWnyP8KD5NafDgAD+/yi++tHdKGZL5HbyA/kB//Hvmxjp/9zh"
        + "WdYBM9j38gD4CpXL/+QH+eBCup5qWXe3W1gzyHGnRHA9SXRpxLo04cAAAA==");

    public static byte[] MovingWebp => Convert.FromBase64String(
        "UklGRgQBAABXRUJQVlA4WAoAAAACAAAA5wMA8wEAQU5JTQYAAAD/////AABBTk1GaAAAAAAAAAAAAOcDAPMBAGQAAAJWUDhMTwAAAC/nw3wADxDzv//zHw4YtG0jyAyOP9qA"
        + "uPtvRP+jqqqqqqqqqqqqqqqqqqqqDgAAAAAAAAAw/+f//J//83/+z//5P//n//yf//N//l/a+Q8AQU5NRmgAAAAAAAAAAADnAwDzAQBkAAAAVlA4TE8AAAAv58N8AA8Q87//"
        + "8x8OGLRtIyj80R4Dg7j7b0T/o6qqqqqqqqqqqqqqqqqqqg4AAAAAAAAAMP/n//yf//N//s//+T//5//8n//zf/5f2vkPAA==");

    /// <summary>A GIF of two frames, 1 by 1.</summary>
    public static byte[] MovingGif => Convert.FromHexString(
        "47494638396101000100800000000000FFFFFF"
        + "21F9040A000000002C0000000001000100000202440100"
        + "21F9040A000000002C00000000010001000002024C01003B");

    public static byte[] Jpeg(int width, int height)
    {
        using var output = new MemoryStream();
        JpegWriter.Write(Draw(width, height, byte.MaxValue), output, 90);
        return output.ToArray();
    }

    /// <param name="alpha">Of the right half.</param>
    public static byte[] Png(int width, int height, byte alpha = byte.MaxValue)
    {
        using var output = new MemoryStream();
        PngWriter.Write(Draw(width, height, alpha), output);
        return output.ToArray();
    }

    private static Picture Draw(int width, int height, byte alpha)
    {
        var rgba = new byte[width * height * 4];
        for (var i = 0; i < width * height; i++)
        {
            (byte[] color, byte opaque) = i % width < width / 2 ? ([255, 0, 0], byte.MaxValue) : ((byte[])[0, 0, 255], alpha);
            color.CopyTo(rgba, i * 4);
            rgba[(i * 4) + 3] = opaque;
        }

        return new Picture(width, height, rgba);
    }
}
