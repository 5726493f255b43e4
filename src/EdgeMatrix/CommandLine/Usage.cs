namespace EdgeMatrix.CommandLine;

/// <summary>What <c>edgematrix --help</c> prints.</summary>
internal static class Usage
{
    public const string Text = """
        EdgeMatrix, a Matrix homeserver.

        usage:
          edgematrix [serve]                     run the server (until SIGTERM or Ctrl+C)
          edgematrix user add NAME [--admin]     make an account; asks for its password
          edgematrix user list                   list the accounts
          edgematrix user reset-password NAME    give an account a new password; logs out its devices
          edgematrix user admin NAME [--off]     make somebody an administrator of the server, or one no longer
          edgematrix user lock NAME [--off]      let an account do nothing but log out; --off gives it back as it was
          edgematrix user suspend NAME [--off]   let an account read and leave only
          edgematrix user logout NAME            log out every device of an account
          edgematrix user deactivate NAME [--erase]  give an account up for good; --erase what is known of its user too
          edgematrix room export ROOM            print every event of a room (an id, or an alias of this server) as a JSON array
          edgematrix room explain ROOM [EVENT]   tell, step by step, how the state at an event (the newest) came to be
          edgematrix backup FILE                 copy everything into one file, beside the running server (- writes to a pipe)
          edgematrix restore FILE                make a data folder of such a file; overwrites nothing (- reads from a pipe)
          edgematrix storage                     tell where every byte goes, and what could be freed
          edgematrix appservices                 tell what bridges and bots are still to be told, and since when they fail
          edgematrix doctor                      find the running server as other servers do, and tell how to mend what keeps them from it
          edgematrix federation                  tell what other servers are still to be told, and since when they fail
          edgematrix rotate-key                  sign with a new key from now on; what the old one signed stays good
          edgematrix tardis                      resolve states for the TARDIS debugger, at ws://127.0.0.1:1234
          edgematrix config                      print the configuration in force, and where each value comes from
          edgematrix version

        options:
          --config FILE         read this TOML file
          --data DIR            where everything is kept (./edgematrix-data)
          --server-name NAME    what follows the colon of user ids; fixed from the first start on
          --listen URL          http://IP:PORT or https://IP:PORT (http://0.0.0.0:8008); may be repeated
          --set KEY=VALUE       set any key of the file; VALUE is TOML, a bare word is a string
          --json                storage: for machines
          --vacuum              storage: write the database anew without its free pages; stop the server first
          --ndjson, --json5     room export: an event a line, or a scenario of TARDIS
          --file FILE           room explain: a room that was exported, by any server, instead of ROOM
          --room-version V      room explain --file: what the file's create event does not say, or says wrongly
          --listen IP:PORT      tardis: where to listen
          --password-stdin      user add, user reset-password: read the password from standard input

        Every key may also stand in the environment: EDGEMATRIX_SERVER__NAME is server.name.
        Later wins: file, environment, command line. `edgematrix config` lists all keys.
        The user commands and rotate-key open the database themselves: stop the server first. The room commands, storage, appservices, federation, doctor and backup only read, beside it.

        """;
}
