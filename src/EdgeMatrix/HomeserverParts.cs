using EdgeMatrix.Accounts;
using EdgeMatrix.Accounts.AppServices;
using EdgeMatrix.Accounts.Deactivation;
using EdgeMatrix.Accounts.Devices;
using EdgeMatrix.Accounts.Encryption;
using EdgeMatrix.Accounts.Filters;
using EdgeMatrix.Accounts.Guests;
using EdgeMatrix.Accounts.Notices;
using EdgeMatrix.Accounts.Notifications;
using EdgeMatrix.Accounts.Passwords;
using EdgeMatrix.Accounts.Profiles;
using EdgeMatrix.Accounts.PushRules;
using EdgeMatrix.Accounts.Registration;
using EdgeMatrix.Accounts.Tokens;
using EdgeMatrix.Api.Limits;
using EdgeMatrix.ClientApi;
using EdgeMatrix.ClientApi.Admin;
using EdgeMatrix.ClientApi.Authentication;
using EdgeMatrix.ClientApi.Discovery;
using EdgeMatrix.ClientApi.Voip;
using EdgeMatrix.Configuration;
using EdgeMatrix.Delivery.Identity;
using EdgeMatrix.Delivery.AppServices;
using EdgeMatrix.Delivery.Mail;
using EdgeMatrix.Delivery.Push;
using EdgeMatrix.Federation;
using EdgeMatrix.Federation.Devices;
using EdgeMatrix.Federation.Discovery;
using EdgeMatrix.Federation.Keys;
using EdgeMatrix.Federation.Media;
using EdgeMatrix.Federation.Receiving;
using EdgeMatrix.Federation.Requests;
using EdgeMatrix.Federation.Rooms;
using EdgeMatrix.Federation.Sending;
using EdgeMatrix.Federation.Users;
using EdgeMatrix.Media;
using EdgeMatrix.Media.Previews;
using EdgeMatrix.Media.Thumbnails;
using EdgeMatrix.Outbound;
using EdgeMatrix.Outbound.Names;
using EdgeMatrix.Protocol;
using EdgeMatrix.Protocol.Signing;
using EdgeMatrix.Rooms;
using EdgeMatrix.Rooms.Creation;
using EdgeMatrix.Rooms.Engine;
using EdgeMatrix.Rooms.History;
using EdgeMatrix.Rooms.Members;
using EdgeMatrix.Rooms.Notifications;
using EdgeMatrix.Rooms.Policy;
using EdgeMatrix.Rooms.Presence;
using EdgeMatrix.Rooms.Purging;
using EdgeMatrix.Rooms.Receipts;
using EdgeMatrix.Rooms.Relations;
using EdgeMatrix.Rooms.Search;
using EdgeMatrix.Rooms.Typing;
using EdgeMatrix.Storage;
using EdgeMatrix.Storage.AuthChains;
using EdgeMatrix.Storage.Media;
using EdgeMatrix.Storage.Memory;
using EdgeMatrix.Storage.Notifications;
using EdgeMatrix.Sync;
using EdgeMatrix.Sync.Filters;
using EdgeMatrix.Upkeep;

namespace EdgeMatrix;

/// <summary>Everything of a server but its listeners, built by hand in dependency order.</summary>
internal sealed class HomeserverParts : IAsyncDisposable
{
    private const string DatabaseFile = "edgematrix.db";

    /// <summary>So many notifications of a user in a room are listed and counted; older ones are forgotten.</summary>
    private const int NotificationsKept = 1_000;

    private HomeserverParts(
        Database database, MediaFolder media, LocalServer server, SigningKey? policyKey, HomeserverOptions options, Surroundings surroundings)
    {
        var (time, random) = (surroundings.Time, surroundings.Random);
        Database = database;
        Server = server;
        var addresses = new AddressPolicy(
            options.Federation.AllowPrivateAddresses ? [.. options.Network.Allow, .. AddressPolicy.PrivateRanges] : options.Network.Allow);
        var authorities = options.Federation.CaFile is { } file ? ExtraAuthorities.Load(file) : null;
        var dns = new DnsClient(NameServers.OfSystem, random, time);
        Names = new NameResolver(SystemNames.AddressesAsync, surroundings.Outbound is null ? dns.FindServicesAsync : surroundings.Services, time);
        Outbound = new OutboundNetwork(
            addresses, time, surroundings.Outbound, Names.AddressesAsync, new ConnectionSettings { Authorities = authorities });
        Federation = options.Federation.ToSettings(options.Server.PublicBaseUrl);
        Others = new OutboundNetwork(
            addresses,
            time,
            surroundings.Outbound,
            Names.AddressesAsync,
            new ConnectionSettings
            {
                Authorities = authorities,
                VerifiesCertificates = options.Federation.VerifyTls,
                Proxy = options.Federation.Proxy is { } proxy ? new Uri(proxy) : null,
            });
        Destinations = new Destinations(database, Federation, random, time);
        WellKnown = new WellKnownServer(Others);
        FederationClient = new FederationClient(
            server, Federation, new ServerDiscovery(Federation.Hosts, WellKnown, Names, random), Destinations, Others);
        OwnKeys = new OwnKeys(server, database, time);
        ServerKeys = new KnownServerKeys(database);
        KeyFetcher = new KeyFetcher(FederationClient, ServerKeys, Federation, time);
        KeyRing = new KeyRing(server, OwnKeys, ServerKeys, KeyFetcher, time);
        Notary = new Notary(server, OwnKeys, ServerKeys, KeyFetcher, time);
        RemoteProfiles = new RemoteProfiles(FederationClient);
        RemoteRooms = new RemoteRooms(FederationClient);
        RemoteSpaces = new RemoteSpaces(FederationClient);
        Random = random;

        AppServices = new KnownAppServices(options.AppServices.Registrations, server);
        var interest = new RoomInterest(AppServices, database.Memory);
        var appServiceNews = new AppServiceNews(AppServices, interest, service => AppServiceDelivery!.Queued(service));
        var outgoing = new OutgoingNews(
            Federation,
            server,
            database.Memory,
            servers => Outbox!.Queued(servers),
            (server, room) => Outbox!.Entered(server, room),
            (user, servers) => Outbox!.Joined(user, servers));
        Notifier = new ChangeNotifier(() => database.CommittedPosition, database.Memory)
        {
            DevicesChanged = (db, user, position) =>
            {
                appServiceNews.DevicesChanged(db, user, position);
                outgoing.DevicesChanged(db, user);
            },
        };

        var notifications = new EventNotifications(server, database, AppServices, user => Push!.Changed(user));
        PolicyServer = new OwnPolicyServer(database, server, options.Policy, policyKey);
        Engine = new RoomEngine(database, server, Notifier, time, (db, appended) =>
        {
            notifications.Record(db, appended);
            appServiceNews.Record(db, appended);
            outgoing.Record(db, appended);
            IncomingReceipts!.Appended(db, appended);
            IncomingPresence!.Appended(db, appended);
        })
        {
            ForgetOnLeave = options.Rooms.ForgetOnLeave,
            PolicySigner = new PolicySigning(FederationClient, server, PolicyServer).SignAsync,
            Retention = new RetentionPolicy(
                options.Retention.Enabled, options.Retention.DefaultLifetime, options.Retention.ShortestLifetime, options.Retention.LongestLifetime),
        };
        var remoteEvents = new RemoteEvents(FederationClient, ReceivedCounts);
        var eventChecks = new EventChecks(KeyRing);
        var outliers = new OutlierFetch(Engine, remoteEvents, eventChecks);
        Healing = new RoomHealing(
            Engine,
            new MissingEventsFetch(Engine, remoteEvents, eventChecks, outliers, Destinations, ReceivedCounts),
            ReceivedCounts,
            Federation);
        Destinations.CameBack += Healing.CameBack;
        Extremities = new ExtremityExchange(Engine, remoteEvents, eventChecks, Healing, Destinations, ReceivedCounts);
        Destinations.Met = Extremities.Met;
        Backfill = new RoomBackfill(Engine, remoteEvents, eventChecks, outliers, Destinations)
        {
            Placed = (room, events) => IncomingReceipts!.CameAsync(room, events),
        };
        RemoteTimestamps = new RemoteTimestamps(Engine, remoteEvents, eventChecks, outliers, Destinations);
        RestrictedJoins = new RestrictedJoins(Engine);
        RemoteInvites = new RemoteInvites(FederationClient, Engine);
        var leaves = new RemoteLeaves(FederationClient, Engine);
        Members = new RoomMembers(Engine, RestrictedJoins)
        {
            SignInvite = Federation.Enabled ? RemoteInvites.SignAsync : null,
            LeaveFromOutside = Federation.Enabled ? leaves.LeaveAsync : null,
        };
        Completion = new RoomCompletion(Engine, FederationClient, KeyRing, Healing, options.Server.Data)
        {
            Added = (room, members) =>
            {
                IncomingPresence!.Came(members);
                return IncomingReceipts!.CameAsync(room, members);
            },
        };
        RemoteJoins = new RemoteJoins(FederationClient, KeyRing, Engine, Members, Completion);
        RemoteKnocks = new RemoteKnocks(FederationClient, Engine, Members);
        Creation = new RoomCreation(Engine, Members, random, options.Rooms.DefaultVersion);
        Upgrade = new RoomUpgrade(Engine, random);
        HistoryPurge = new HistoryPurge(Engine);
        Purge = new RoomPurge(Engine, Members, options.Rooms.PurgeForgottenAfter);
        Mails = new MailQueue(options.Email.ToOptions(options.Server.PublicBaseUrl, server.Name), database, Outbound, server, random, time);
        EmailPushing = new EmailPushing(Engine, server, Mails);
        Push = new PushDelivery(Engine, Outbound, options.Push.Badge, EmailPushing);
        Pushers = new UserPushers(database, Push, time);
        Receipts = new ReadReceipts(
            Engine,
            (db, room, user, type, position) =>
            {
                appServiceNews.ReceiptMoved(db, room, user, type, position);
                outgoing.ReceiptMoved(db, room, user, type);
            },
            Push.Changed);
        Typing = new TypingUsers(Notifier, time);
        Presence = new UserPresence(options.Presence.Enabled, database, Notifier, Typing, time);
        AppServiceClient = new AppServiceClient(AppServices, Outbound);
        AppServiceDelivery = new AppServiceDelivery(Engine, AppServices, AppServiceClient, interest, Typing, Presence);
        AppServiceQueries = new AppServiceQueries(AppServices, AppServiceClient, AppServiceDelivery, time);
        ThirdPartyNetworks = new ThirdPartyNetworks(AppServices, AppServiceClient, time);
        IdentityServers = new IdentityServers(Outbound, server);
        ThirdPartyInvites = new ThirdPartyInvites(Engine, Members, IdentityServers);
        BoundThreePids = new BoundThreePids(database, IdentityServers);

        Passwords = new PasswordHasher(random, surroundings.PasswordCost);
        AccessTokens = new AccessTokens(database, time);
        OpenIdTokens = new OpenIdTokens(server, random, time);
        LoginTokens = new LoginTokens(random, time);
        Logins = new Logins(database, AccessTokens, LoginTokens, Notifier, random, time);
        Accounts = new UserAccounts(database, server, Passwords, Logins, Notifier, random, time);
        AdminTasks = new AdminTasks(random, time);
        RegistrationTokens = new RegistrationTokens(database, random, time);
        Deactivation = new AccountDeactivation(Engine, Members, Logins);
        ThreePids = new UserThreePids(database, time);
        Devices = new UserDevices(database, Notifier);
        Profiles = new UserProfiles(database, Members);
        AccountData = new AccountData(database, Notifier);
        Tags = new RoomTags(database, Notifier);
        PushRules = new UserPushRules(database, Notifier);
        Notices = new ServerNotices(options.Notices, Engine, Accounts, Profiles, Creation, Members, Tags);
        Filters = new UserFilters(database);

        var keyCounts = new KnownKeyCounts(database, appServiceNews);
        KeyUploads = new KeyUploads(database, keyCounts, Notifier);
        KeyQueries = new KeyQueries(database, server);
        KeyClaims = new KeyClaims(database, server, keyCounts);
        ToDevice = new ToDeviceMessages(database, server, Notifier, appServiceNews, outgoing.ToDevice, random, time);
        CrossSigning = new CrossSigning(database, server, Notifier);
        KeyBackups = new KeyBackups(database);
        DehydratedDevices = new DehydratedDevices(database, KeyUploads, Notifier);
        Outbox = new Outbox(database, server, Federation, FederationClient, outgoing, Extremities, KeyQueries, Typing, Presence, random, time);

        RemoteDeviceLists = new RemoteDeviceLists(database, Notifier);
        DeviceListFetcher = new DeviceListFetcher(FederationClient, RemoteDeviceLists);
        DeviceListResync = new DeviceListResync(database, Destinations, RemoteDeviceLists, DeviceListFetcher);
        RemoteDeviceLists.BecameStale = DeviceListResync.Wake;
        Destinations.CameBack += DeviceListResync.Wake;
        RemoteKeys = new RemoteKeys(FederationClient, server, database, RemoteDeviceLists, DeviceListFetcher, time);
        IncomingReceipts = new IncomingReceipts(Engine, Receipts);
        IncomingPresence = new IncomingPresence(database, server, Presence, time);
        IncomingEdus = new IncomingEdus(
            new IncomingTyping(Engine, Typing),
            IncomingReceipts,
            IncomingPresence,
            new IncomingMessages(ToDevice),
            new IncomingDeviceLists(RemoteDeviceLists, DeviceListFetcher));
        Transactions = new IncomingTransactions(Engine, eventChecks, IncomingEdus, Healing, ReceivedCounts)
        {
            EndFromOutside = Members.EndFromOutsideAsync,
        };

        ClientApi = new ClientApiOptions
        {
            PublicBaseUrl = options.Server.PublicBaseUrl,
            SupportContacts = options.Support.Contacts.Select(SupportText.Parse).OfType<SupportContact>().ToArray(),
            SupportPage = options.Support.Page,
            RegistrationOpen = options.Registration.Open,
            RegistrationTokens = options.Registration.Tokens,
            Guests = options.Registration.Guests,
            RegistrationEmail = options.Email.Smtp is null ? EmailAtRegistration.Off : options.Registration.Email,
            Terms = options.Registration.Terms.Select(TermsText.Parse).OfType<TermsPolicy>().ToArray(),
            LoginTokens = options.Login.Tokens,
            ForgetOnLeave = options.Rooms.ForgetOnLeave,
            DefaultRoomVersion = options.Rooms.DefaultVersion,
            UrlPreviews = options.Media.UrlPreviews,
        };
        Turn = options.Turn;
        RateLimiter = new RateLimiter(options.Limits, database, time);
        EmailValidation = new EmailValidation(Mails, database, server, random, time);
        InteractiveAuthentication = new UserInteractiveAuthentication(Accounts, EmailValidation, random, time);
        SharedSecret = new SharedSecretSetting(options.Registration.SharedSecret is { } secret
            ? new SharedSecretRegistration(secret, random, time)
            : null);

        StoredFilters = new StoredFilters(database);
        Answers = new AnswerSpool(options.Server.Data, database.Memory);
        Sync = new SyncEngine(Engine, Typing, Presence, keyCounts);

        var thumbnails = new ThumbnailCache(options.Server.Data, time, options.Media.ThumbnailCache);
        Media = new MediaRepository(database, media, thumbnails, server, LimitsOf(options.Media), random, time);
        RemoteMediaStore = new RemoteMediaStore(database, media, thumbnails, LimitsOf(options.Media), time);
        RemoteMedia = new RemoteMedia(FederationClient, Outbound, Media, RemoteMediaStore, server);
        Thumbnails = new ThumbnailStore(thumbnails, new ThumbnailWorker(surroundings.Program, time));
        Previews = new UrlPreviews(Outbound, Media, server, time, database.Memory);

        Search = new SearchIndex(database, options.Search.Enabled);
        var guests = new GuestUpkeep(Engine, Deactivation, options.Registration.GuestsExpireAfter);
        var oldNotifications = new OldNotifications(database, NotificationsKept);
        var budget = new StorageBudget(Engine, options.Storage.Limit, options.Storage.RoomLimit);
        UpkeepJobs =
        [
            new UpkeepJob("room purge", TimeSpan.FromMinutes(10), Purge.SliceAsync),
            new UpkeepJob("deactivated accounts", TimeSpan.FromHours(1), Deactivation.SliceAsync),
            new UpkeepJob("guests", TimeSpan.FromHours(6), guests.SliceAsync),
            new UpkeepJob("notifications", TimeSpan.FromHours(6), _ => oldNotifications.SliceAsync()),
            new UpkeepJob("retention", TimeSpan.FromHours(1), HistoryPurge.ExpireSliceAsync),
            new UpkeepJob("media ids", TimeSpan.FromHours(1), _ => Media.ForgetExpiredAsync()),
            new UpkeepJob("media of other servers", TimeSpan.FromHours(6), _ => RemoteMediaStore.SliceAsync()),
            new UpkeepJob("storage budget", TimeSpan.FromHours(1), budget.SliceAsync),
            new UpkeepJob("other servers", TimeSpan.FromDays(1), _ => Destinations.SliceAsync()),
            new UpkeepJob("outbox", TimeSpan.FromHours(1), new OutboxUpkeep(database).SliceAsync),
            new UpkeepJob("branches", TimeSpan.FromMinutes(15), new BranchUpkeep(Engine).SliceAsync),
            new UpkeepJob("server keys", TimeSpan.FromDays(1), _ => ServerKeys.SliceAsync()),
            new UpkeepJob("device lists of other servers", TimeSpan.FromMinutes(10), _ => DeviceListResync.SliceAsync()),
            new UpkeepJob("messages of other servers", TimeSpan.FromHours(6), _ => ToDevice.ForgetReceivedAsync()),
            new UpkeepJob("free pages", TimeSpan.FromHours(1), _ => database.ShrinkSliceAsync()),
            new UpkeepJob("relations of older events", TimeSpan.FromDays(1), new RelationUpkeep(Engine).SliceAsync),
            new UpkeepJob("names of older rooms", TimeSpan.FromDays(1), _ => RoomNames.SliceAsync(database)),
            new UpkeepJob("search", TimeSpan.FromMinutes(15), Search.SliceAsync),
            new MemoryUpkeep(database, surroundings.Memory).Job,
            new UpkeepJob("auth chains", TimeSpan.FromHours(1), _ => AuthChainWriter.SliceAsync(database)),
            new UpkeepJob("state nodes", TimeSpan.FromHours(1), new StateNodeCollector(database).SliceAsync),
        ];
    }

    public Database Database { get; }

    public LocalServer Server { get; }

    public NameResolver Names { get; }

    public OutboundNetwork Outbound { get; }

    public RandomSource Random { get; }

    public FederationSettings Federation { get; }

    /// <summary>The way to other servers.</summary>
    public OutboundNetwork Others { get; }

    public Destinations Destinations { get; }

    public WellKnownServer WellKnown { get; }

    public FederationClient FederationClient { get; }

    public OwnKeys OwnKeys { get; }

    public KnownServerKeys ServerKeys { get; }

    public KeyFetcher KeyFetcher { get; }

    public KeyRing KeyRing { get; }

    public Notary Notary { get; }

    public RemoteKeys RemoteKeys { get; }

    public RemoteDeviceLists RemoteDeviceLists { get; }

    public DeviceListFetcher DeviceListFetcher { get; }

    public DeviceListResync DeviceListResync { get; }

    public IncomingReceipts IncomingReceipts { get; }

    public IncomingPresence IncomingPresence { get; }

    public IncomingEdus IncomingEdus { get; }

    public RemoteProfiles RemoteProfiles { get; }

    public RemoteRooms RemoteRooms { get; }

    public ReceivedCounts ReceivedCounts { get; } = new();

    public RoomHealing Healing { get; }

    public RoomCompletion Completion { get; }

    public ExtremityExchange Extremities { get; }

    public IncomingTransactions Transactions { get; }

    public RoomBackfill Backfill { get; }

    public RemoteTimestamps RemoteTimestamps { get; }
    public RemoteSpaces RemoteSpaces { get; }

    public ChangeNotifier Notifier { get; }

    /// <summary>This server, as the policy server of rooms.</summary>
    public OwnPolicyServer PolicyServer { get; }

    public RoomEngine Engine { get; }

    public RoomCreation Creation { get; }

    public RoomUpgrade Upgrade { get; }

    public RestrictedJoins RestrictedJoins { get; }

    public RoomMembers Members { get; }

    public RemoteJoins RemoteJoins { get; }

    public RemoteKnocks RemoteKnocks { get; }

    public RemoteInvites RemoteInvites { get; }

    public RoomPurge Purge { get; }

    public HistoryPurge HistoryPurge { get; }

    public PushDelivery Push { get; }

    public UserPushers Pushers { get; }

    public KnownAppServices AppServices { get; }

    public AppServiceClient AppServiceClient { get; }

    public AppServiceDelivery AppServiceDelivery { get; }

    public AppServiceQueries AppServiceQueries { get; }

    public ThirdPartyNetworks ThirdPartyNetworks { get; }

    public Outbox Outbox { get; }

    public ReadReceipts Receipts { get; }

    public TypingUsers Typing { get; }

    public UserPresence Presence { get; }

    public TurnOptions Turn { get; }

    public PasswordHasher Passwords { get; }

    public AccessTokens AccessTokens { get; }

    public OpenIdTokens OpenIdTokens { get; }

    public LoginTokens LoginTokens { get; }

    public Logins Logins { get; }

    public UserAccounts Accounts { get; }

    public AdminTasks AdminTasks { get; }

    public RegistrationTokens RegistrationTokens { get; }

    public AccountDeactivation Deactivation { get; }

    public UserThreePids ThreePids { get; }

    public IdentityServers IdentityServers { get; }

    public ThirdPartyInvites ThirdPartyInvites { get; }

    public BoundThreePids BoundThreePids { get; }

    public UserDevices Devices { get; }

    public UserProfiles Profiles { get; }

    public AccountData AccountData { get; }

    public RoomTags Tags { get; }

    public UserPushRules PushRules { get; }

    public ServerNotices Notices { get; }

    public UserFilters Filters { get; }

    public KeyUploads KeyUploads { get; }

    public KeyQueries KeyQueries { get; }

    public KeyClaims KeyClaims { get; }

    public ToDeviceMessages ToDevice { get; }

    public CrossSigning CrossSigning { get; }

    public KeyBackups KeyBackups { get; }

    public DehydratedDevices DehydratedDevices { get; }

    public ClientApiOptions ClientApi { get; }

    public RateLimiter RateLimiter { get; }

    public MailQueue Mails { get; }

    public EmailPushing EmailPushing { get; }

    public EmailValidation EmailValidation { get; }

    public UserInteractiveAuthentication InteractiveAuthentication { get; }

    public SharedSecretSetting SharedSecret { get; }

    public StoredFilters StoredFilters { get; }

    public AnswerSpool Answers { get; }

    public SyncEngine Sync { get; }

    public MediaRepository Media { get; }

    public RemoteMediaStore RemoteMediaStore { get; }

    public RemoteMedia RemoteMedia { get; }

    public ThumbnailStore Thumbnails { get; }

    public UrlPreviews Previews { get; }

    public SearchIndex Search { get; }

    /// <summary>What the server does for itself now and then, in the order in which jobs that are due at once begin.</summary>
    public IReadOnlyList<UpkeepJob> UpkeepJobs { get; }

    public static DatabaseOptions DatabaseOf(HomeserverOptions options) => new(Path.Combine(options.Server.Data, DatabaseFile))
    {
        // What reaches the disk within no time is what each commit waits for.
        RelaxedDurability = options.Storage.Durability == Durability.Relaxed && options.Storage.FlushInterval != TimeSpan.Zero,
        FlushInterval = options.Storage.FlushInterval,
    };

    /// <exception cref="DatabaseException">The data folder cannot be made, is in use, damaged, or another server's.</exception>
    public static async Task<HomeserverParts> OpenAsync(HomeserverOptions options, Surroundings surroundings)
    {
        DataFolder.Create(options.Server.Data);
        var memory = new MemoryBudget(new MemoryLimit("/").Of(options.Memory.Limit));
        var database = Database.Open(DatabaseOf(options) with
        {
            Memory = memory, Time = surroundings.Time, Readers = surroundings.Readers, WritesInPool = surroundings.WritesInPool,
        });
        try
        {
            var server = await ServerIdentity.OpenAsync(database, options.Server.Name, surroundings.Random);
            var media = OpenMedia(database, options);
            var policyKey = options.Policy.Enabled ? await ServerIdentity.PolicyKeyAsync(database, surroundings.Random) : null;
            return new HomeserverParts(database, media, server, policyKey, options, surroundings);
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    /// <summary>Readies what application services need before anything happens: their numbers, and the users that they act as.</summary>
    /// <exception cref="IOException">The id of such a user would be too long.</exception>
    public async Task PrepareAppServicesAsync(CancellationToken cancellation)
    {
        await AppServiceDelivery.PrepareAsync();
        foreach (var service in AppServices.All.Where(service => Accounts.Find(service.SenderId) is null))
        {
            var (account, _) = await Accounts.AddAsync(service.Registration.SenderLocalpart, null, admin: false, cancellation);
            if (account is null)
            {
                throw new IOException($"The user {service.SenderId} of the application service {service.Id} cannot be made: its id is too long");
            }
        }
    }

    /// <summary>Hands the parts to the endpoints. The container does not dispose what it did not make.</summary>
    public void AddTo(IServiceCollection services)
    {
        services.AddSingleton(Database);
        services.AddSingleton(Server);
        services.AddSingleton(Outbound);
        services.AddSingleton(Random);
        services.AddSingleton(Federation);
        services.AddSingleton(Destinations);
        services.AddSingleton(FederationClient);
        services.AddSingleton(OwnKeys);
        services.AddSingleton(KeyRing);
        services.AddSingleton(Notary);
        services.AddSingleton(RemoteKeys);
        services.AddSingleton(DeviceListResync);
        services.AddSingleton(IncomingEdus);
        services.AddSingleton(RemoteProfiles);
        services.AddSingleton(RemoteRooms);
        services.AddSingleton(Healing);
        services.AddSingleton(Completion);
        services.AddSingleton(Extremities);
        services.AddSingleton(Transactions);
        services.AddSingleton(Backfill);
        services.AddSingleton(RemoteTimestamps);
        services.AddSingleton(RemoteSpaces);
        services.AddSingleton(Notifier);
        services.AddSingleton(PolicyServer);
        services.AddSingleton(Engine);
        services.AddSingleton(Creation);
        services.AddSingleton(Upgrade);
        services.AddSingleton(RestrictedJoins);
        services.AddSingleton(Members);
        services.AddSingleton(RemoteJoins);
        services.AddSingleton(RemoteKnocks);
        services.AddSingleton(RemoteInvites);
        services.AddSingleton(Purge);
        services.AddSingleton(HistoryPurge);
        services.AddSingleton(Push);
        services.AddSingleton(Pushers);
        services.AddSingleton(AppServices);
        services.AddSingleton(AppServiceDelivery);
        services.AddSingleton(AppServiceQueries);
        services.AddSingleton(ThirdPartyNetworks);
        services.AddSingleton(Outbox);
        services.AddSingleton(Receipts);
        services.AddSingleton(Typing);
        services.AddSingleton(Presence);
        services.AddSingleton(Turn);
        services.AddSingleton(AccessTokens);
        services.AddSingleton(OpenIdTokens);
        services.AddSingleton(LoginTokens);
        services.AddSingleton(Logins);
        services.AddSingleton(Accounts);
        services.AddSingleton(AdminTasks);
        services.AddSingleton(RegistrationTokens);
        services.AddSingleton(Deactivation);
        services.AddSingleton(ThreePids);
        services.AddSingleton(Devices);
        services.AddSingleton(Profiles);
        services.AddSingleton(AccountData);
        services.AddSingleton(Tags);
        services.AddSingleton(PushRules);
        services.AddSingleton(Notices);
        services.AddSingleton(Filters);
        services.AddSingleton(KeyUploads);
        services.AddSingleton(KeyQueries);
        services.AddSingleton(KeyClaims);
        services.AddSingleton(ToDevice);
        services.AddSingleton(CrossSigning);
        services.AddSingleton(KeyBackups);
        services.AddSingleton(DehydratedDevices);
        services.AddSingleton(ClientApi);
        services.AddSingleton(RateLimiter);
        services.AddSingleton(Mails);
        services.AddSingleton(EmailPushing);
        services.AddSingleton(EmailValidation);
        services.AddSingleton(ThirdPartyInvites);
        services.AddSingleton(BoundThreePids);
        services.AddSingleton(InteractiveAuthentication);
        services.AddSingleton(SharedSecret);
        services.AddSingleton(StoredFilters);
        services.AddSingleton(Answers);
        services.AddSingleton(Sync);
        services.AddSingleton(Media);
        services.AddSingleton(RemoteMediaStore);
        services.AddSingleton(RemoteMedia);
        services.AddSingleton(Thumbnails);
        services.AddSingleton(Previews);
        services.AddSingleton(Search);
    }

    private static MediaFolder OpenMedia(Database database, HomeserverOptions options)
    {
        var media = new MediaFolder(options.Server.Data);
        using var snapshot = database.OpenSnapshot();
        media.CleanUp(snapshot);
        return media;
    }

    private static MediaLimits LimitsOf(MediaOptions options) => new()
    {
        MaxUploadBytes = options.MaxUpload,
        UserQuotaBytes = options.UserQuota,
        PreviewBytes = options.PreviewCache,
        RemoteBytes = options.RemoteCache,
        RemoteLifetime = options.RemoteLifetime,
    };

    public async ValueTask DisposeAsync()
    {
        Presence.Dispose();
        Typing.Dispose();
        Engine.SelfDestruction.Dispose();
        await Completion.DisposeAsync();
        await Extremities.DisposeAsync();
        await Healing.DisposeAsync();
        await Push.DisposeAsync();
        await AppServiceDelivery.DisposeAsync();
        AppServiceClient.Dispose();
        IdentityServers.Dispose();
        await Outbox.DisposeAsync();
        await Mails.DisposeAsync();
        await Previews.DisposeAsync();
        await DeviceListResync.DisposeAsync();
        await RemoteMedia.DisposeAsync();
        Notary.Dispose();
        KeyFetcher.Dispose();
        FederationClient.Dispose();
        WellKnown.Dispose();
        Others.Dispose();
        Outbound.Dispose();
        Names.Dispose();
        Thumbnails.Dispose();
        await Database.DisposeAsync();
        Notices.Dispose();
        Passwords.Dispose();
        PolicyServer.Dispose();
        Server.Key.Dispose();
    }
}
