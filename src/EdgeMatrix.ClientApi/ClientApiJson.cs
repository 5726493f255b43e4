using System.Text.Json.Serialization;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.ClientApi.Devices;
using EdgeMatrix.ClientApi.Discovery;
using EdgeMatrix.ClientApi.Filters;
using EdgeMatrix.ClientApi.PushRules;

namespace EdgeMatrix.ClientApi;

/// <summary>The bodies that the endpoints of accounts read and write; names are snake_case unless a type says otherwise.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(VersionsResponse))]
[JsonSerializable(typeof(ClientWellKnown))]
[JsonSerializable(typeof(RegisterRequest))]
[JsonSerializable(typeof(RegisterResponse))]
[JsonSerializable(typeof(UsernameAvailable))]
[JsonSerializable(typeof(SharedSecretNonce))]
[JsonSerializable(typeof(SharedSecretRequest))]
[JsonSerializable(typeof(LoginFlows))]
[JsonSerializable(typeof(LoginRequest))]
[JsonSerializable(typeof(LoginResponse))]
[JsonSerializable(typeof(RefreshRequest))]
[JsonSerializable(typeof(RefreshResponse))]
[JsonSerializable(typeof(WhoAmIResponse))]
[JsonSerializable(typeof(AuthenticationData))]
[JsonSerializable(typeof(ChangePasswordRequest))]
[JsonSerializable(typeof(DeactivateRequest))]
[JsonSerializable(typeof(DeviceResponse))]
[JsonSerializable(typeof(DevicesResponse))]
[JsonSerializable(typeof(RenameDeviceRequest))]
[JsonSerializable(typeof(DeleteDevicesRequest))]
[JsonSerializable(typeof(FilterResponse))]
[JsonSerializable(typeof(PushRuleRequest))]
[JsonSerializable(typeof(PushRuleEnabled))]
[JsonSerializable(typeof(PushRuleActions))]
internal sealed partial class ClientApiJson : JsonSerializerContext;
