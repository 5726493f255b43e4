using Microsoft.AspNetCore.Http;

namespace EdgeMatrix.ClientApi.Authentication.Pages;

/// <summary>Logs in with a password for clients that show a page instead of asking themselves.</summary>
/// <remarks>Spec: https://spec.matrix.org/v1.19/client-server-api/#login-fallback</remarks>
internal static class LoginPage
{
    private const string Body = """
        <form id="login"><p><label>User name<br><input name="user" autocomplete="username" required autofocus></label></p>
        <p><label>Password<br><input name="password" type="password" autocomplete="current-password" required></label></p>
        <p><button>Log in</button></p><p id="told" role="status"></p></form><noscript><p>This page needs JavaScript.</p></noscript>
        """;

    // "Non-credential parameters valid for the /login endpoint can be provided as query string parameters here."
    private const string Script = """
        document.getElementById('login').addEventListener('submit', async event => {
          event.preventDefault();
          const told = document.getElementById('told'), form = new FormData(event.target), query = new URLSearchParams(location.search);
          const body = { type: 'm.login.password', identifier: { type: 'm.id.user', user: form.get('user') }, password: form.get('password') };
          for (const name of ['device_id', 'initial_device_display_name']) if (query.has(name)) body[name] = query.get(name);
          if (query.has('refresh_token')) body.refresh_token = query.get('refresh_token') === 'true';
          try {
            const answer = await fetch('/_matrix/client/v3/login', { method: 'POST', body: JSON.stringify(body) });
            const login = await answer.json();
            if (!answer.ok) { told.textContent = login.error || 'That did not work.'; return; }
            told.textContent = 'You are logged in.';
            if (window.matrixLogin && window.matrixLogin.onLogin) window.matrixLogin.onLogin(login);
          } catch { told.textContent = 'The server could not be reached.'; }
        });
        """;

    /// <summary><c>GET /_matrix/static/client/login/</c></summary>
    public static IResult Get() => new HtmlPage("Log in", Body, Script);
}
