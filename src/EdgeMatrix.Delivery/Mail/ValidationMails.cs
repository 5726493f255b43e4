using EdgeMatrix.Storage.Accounts;

namespace EdgeMatrix.Delivery.Mail;

/// <summary>What is written to an address that is to be proved.</summary>
internal static class ValidationMails
{
    /// <param name="problem">Why the link is not given; <see cref="EmailVerdict.Done"/>: it is.</param>
    public static MailMessage Of(EmailPurpose purpose, EmailVerdict problem, string server, string address, string link, string token)
    {
        const string Nothing = "If that was not you, you need not do anything: without this mail nobody gets further.";
        var (subject, asked) = purpose switch
        {
            EmailPurpose.Register => ($"Your new account at {server}", "make an account with this e-mail address"),
            EmailPurpose.ResetPassword => ($"Your password at {server}", "set a new password for the account with this e-mail address"),
            _ => ($"Your e-mail address at {server}", "add this e-mail address to an account"),
        };
        var text = problem switch
        {
            EmailVerdict.InUse => $"""
                Somebody, probably you, asked the Matrix server {server} to {asked}.

                An account there has it already. If that is yours, log in to it; you can set a new
                password by this e-mail address.
                """,
            EmailVerdict.NotFound => $"""
                Somebody, probably you, asked the Matrix server {server} to {asked}.

                No account there has it. Perhaps you used another address?
                """,
            _ => $"""
                Somebody, probably you, asked the Matrix server {server} to {asked}.
                Confirm that here, and then go back to where you began:

                {link}

                If the application asks for a code, it is this:

                {token}

                {Nothing}
                """,
        };
        return new MailMessage(address, subject, text);
    }
}
