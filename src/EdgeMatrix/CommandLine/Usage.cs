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
          edgematrix config                      print the configuration in force, and where each value comes from
          edgematrix version

        options:
          --config FILE         read this TOML file
          --data DIR            where everything is kept (./edgematrix-data)
          --server-name NAME    what follows the colon of user ids; fixed from the first start on
          --listen URL          http://IP:PORT or https://IP:PORT (http://0.0.0.0:8008); may be repeated
          --set KEY=VALUE       set any key of the file; VALUE is TOML, a bare word is a string
          --password-stdin      user add, user reset-password: read the password from standard input

        Every key may also stand in the environment: EDGEMATRIX_SERVER__NAME is server.name.
        Later wins: file, environment, command line. `edgematrix config` lists all keys.
        The user commands open the database themselves: stop the server first.

        """;
}
