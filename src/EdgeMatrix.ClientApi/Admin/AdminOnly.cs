namespace EdgeMatrix.ClientApi.Admin;

/// <summary>What is for administrators of the server alone.</summary>
internal static class AdminOnly
{
    public static MatrixError Refusal() => MatrixError.Forbidden("You are not a server admin");
}
