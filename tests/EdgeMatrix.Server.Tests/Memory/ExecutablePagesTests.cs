using EdgeMatrix.NativeLibraries;
using Xunit;

namespace EdgeMatrix.Server.Tests.Memory;

public class ExecutablePagesTests
{
    // What the loader relocated (the third) and what the program writes (the fourth) cannot be read from the file again.
    private const string Smaps = """
        55ed944fc000-55ed9451d000 r--p 00000000 fe:00 11658018                   /srv/edge matrix
        Size:                132 kB
        Rss:                 132 kB
        Anonymous:             0 kB
        VmFlags: rd mr mw me sd
        55ed9451d000-55ed94edc000 r-xp 00021000 fe:00 11658018                   /srv/edge matrix
        Anonymous:             0 kB
        55ed955ee000-55ed95968000 r--p 010f2000 fe:00 11658018                   /srv/edge matrix
        Anonymous:            12 kB
        55ed9596a000-55ed959af000 rw-p 0146d000 fe:00 11658018                   /srv/edge matrix
        Anonymous:             0 kB
        7f503a3c5000-7f503a3cd000 rw-p 00000000 00:00 0
        Anonymous:             0 kB
        7f503a4c5000-7f503a4cd000 r--p 00000000 fe:00 11658019                   /srv/libother.so
        Anonymous:             0 kB
        """;

    [Fact]
    public void Only_pages_that_the_file_still_holds_are_let_go()
    {
        var found = ExecutablePages.Unchanged(Smaps.ReplaceLineEndings("\n").Split('\n'), "/srv/edge matrix");

        Assert.Equal([(0x55ed944fc000, 0x21000L), (0x55ed9451d000, 0x9bf000L)], found);
    }
}
