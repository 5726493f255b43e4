using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeMatrix.Api;

/// <summary>Puts endpoints into the route tables.</summary>
/// <remarks>
/// The framework's own overloads that take any delegate bind its parameters by generated code, about ten kilobytes of the published
/// file an endpoint. Here a line of the table binds them itself.
/// </remarks>
internal static class EndpointTable
{
    public static IEndpointConventionBuilder Get(
        this IEndpointRouteBuilder routes, [StringSyntax("Route")] string pattern, Func<ApiCall, IResult> answer) =>
        routes.MapMethods(pattern, [HttpMethods.Get], Endpoint(answer));

    public static IEndpointConventionBuilder Get(
        this IEndpointRouteBuilder routes, [StringSyntax("Route")] string pattern, Func<ApiCall, Task<IResult>> answer) =>
        routes.MapMethods(pattern, [HttpMethods.Get], Endpoint(answer));

    /// <summary>As <see cref="Get(IEndpointRouteBuilder, string, Func{ApiCall, Task{IResult}})"/>, for <c>HEAD</c> too.</summary>
    public static IEndpointConventionBuilder GetOrHead(
        this IEndpointRouteBuilder routes, [StringSyntax("Route")] string pattern, Func<ApiCall, Task<IResult>> answer) =>
        routes.MapMethods(pattern, [HttpMethods.Get, HttpMethods.Head], Endpoint(answer));

    public static IEndpointConventionBuilder Put(
        this IEndpointRouteBuilder routes, [StringSyntax("Route")] string pattern, Func<ApiCall, IResult> answer) =>
        routes.MapMethods(pattern, [HttpMethods.Put], Endpoint(answer));

    public static IEndpointConventionBuilder Put(
        this IEndpointRouteBuilder routes, [StringSyntax("Route")] string pattern, Func<ApiCall, Task<IResult>> answer) =>
        routes.MapMethods(pattern, [HttpMethods.Put], Endpoint(answer));

    public static IEndpointConventionBuilder Post(
        this IEndpointRouteBuilder routes, [StringSyntax("Route")] string pattern, Func<ApiCall, IResult> answer) =>
        routes.MapMethods(pattern, [HttpMethods.Post], Endpoint(answer));

    public static IEndpointConventionBuilder Post(
        this IEndpointRouteBuilder routes, [StringSyntax("Route")] string pattern, Func<ApiCall, Task<IResult>> answer) =>
        routes.MapMethods(pattern, [HttpMethods.Post], Endpoint(answer));

    public static IEndpointConventionBuilder Delete(
        this IEndpointRouteBuilder routes, [StringSyntax("Route")] string pattern, Func<ApiCall, IResult> answer) =>
        routes.MapMethods(pattern, [HttpMethods.Delete], Endpoint(answer));

    public static IEndpointConventionBuilder Delete(
        this IEndpointRouteBuilder routes, [StringSyntax("Route")] string pattern, Func<ApiCall, Task<IResult>> answer) =>
        routes.MapMethods(pattern, [HttpMethods.Delete], Endpoint(answer));

    private static RequestDelegate Endpoint(Func<ApiCall, IResult> answer) => context => answer(new ApiCall(context)).ExecuteAsync(context);

    private static RequestDelegate Endpoint(Func<ApiCall, Task<IResult>> answer) => async context =>
    {
        var result = await answer(new ApiCall(context));
        await result.ExecuteAsync(context);
    };
}
