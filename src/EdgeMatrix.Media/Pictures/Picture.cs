namespace EdgeMatrix.Media.Pictures;

/// <summary>Pixels: four bytes each, red, green, blue and alpha (not multiplied into the others), row after row.</summary>
public sealed record Picture(int Width, int Height, byte[] Rgba)
{
    /// <summary>Whether every pixel hides what is behind it.</summary>
    public bool IsOpaque()
    {
        for (var i = 3; i < Rgba.Length; i += 4)
        {
            if (Rgba[i] != byte.MaxValue)
            {
                return false;
            }
        }

        return true;
    }
}
