# One homeserver of a run of SyTest: a process of EdgeMatrix over a data folder of its own.
use strict;
use warnings;

package SyTest::Homeserver::EdgeMatrix;
use base qw( SyTest::Homeserver );

use Cwd qw( getcwd );
use File::Path qw( make_path remove_tree );
use JSON ();
use SyTest::SSL qw( create_ssl_cert ensure_ssl_key );

sub _init
{
   my $self = shift;
   $self->SUPER::_init( @_ );
   my $name = "hs[$self->{hs_index}]";
   $self->{ports} = {
      secure   => main::alloc_port( $name ),
      unsecure => main::alloc_port( "$name.unsecure" ),
   };
}

sub server_name     { my $self = shift; "$self->{bind_host}:$self->{ports}{secure}" }
sub public_baseurl  { my $self = shift; "https://$self->{bind_host}:$self->{ports}{secure}" }
sub federation_host { $_[0]{bind_host} }
sub federation_port { $_[0]{ports}{secure} }
sub secure_port     { $_[0]{ports}{secure} }
sub unsecure_port   { $_[0]{ports}{unsecure} }

sub start
{
   my $self = shift;
   my $dir = $self->{hs_dir};
   remove_tree( "$dir/data" );
   make_path( "$dir/data" );
   ensure_ssl_key( "$dir/tls.key" );
   create_ssl_cert( "$dir/tls.crt", "$dir/tls.key", $self->{bind_host} );

   # Its own authority, and the certificate of its identity server.
   open my $ca, ">", "$dir/ca.crt" or die "$dir/ca.crt: $!";
   foreach my $name (qw( ca.crt tls-selfsigned.crt )) {
      open my $in, "<", getcwd . "/keys/$name" or die "$name: $!";
      print $ca $_ while <$in>;
   }
   close $ca;

   # SyTest knows room versions up to 11, and is written for one whose creators have a power level.
   my %settings = (
      "server.public_baseurl"              => $self->public_baseurl,
      "tls.cert"                           => "$dir/tls.crt",
      "tls.key"                            => "$dir/tls.key",
      "federation.ca_file"                 => "$dir/ca.crt",
      "federation.allow_private_addresses" => JSON::true,
      "federation.retry_min"               => "1s",
      "federation.retry_max"               => "1s",
      "registration.open"                  => JSON::true,
      "registration.guests"                => JSON::true,
      "registration.shared_secret"         => "reg_secret",
      "rooms.default_version"              => "10",
      "limits.rate"                        => "off",
      "media.url_previews"                 => JSON::true,
      "appservices"                        => $self->{app_service_config_files} // [],
   );
   if( my $smtp = $self->{smtp_server_config} ) {
      $settings{"email.smtp"} = "$smtp->{host}:$smtp->{port}";
   }

   # What is JSON is TOML too: strings, booleans and lists.
   my $json = JSON->new->allow_nonref;
   return $self->_start_process_and_await_connectable(
      setup   => [ env => { %ENV } ],
      command => [
         $ENV{EDGEMATRIX_BIN}, "serve",
         "--data", "$dir/data",
         "--server-name", $self->server_name,
         "--listen", "http://127.0.0.1:$self->{ports}{unsecure}",
         "--listen", "https://127.0.0.1:$self->{ports}{secure}",
         map { ( "--set", "$_=" . $json->encode( $settings{$_} ) ) } sort keys %settings,
      ],
      connect_host => $self->{bind_host},
      connect_port => $self->secure_port,
      name         => "hs-$self->{hs_index}",
   );
}

1;
