# Lets SyTest make homeservers of the binary that EDGEMATRIX_BIN names: run-tests.pl -I EdgeMatrix
use strict;
use warnings;

require SyTest::Homeserver::EdgeMatrix;

package SyTest::HomeserverFactory::EdgeMatrix;
use base qw( SyTest::HomeserverFactory );

sub implementation_name { "edgematrix" }

sub create_server
{
   my $self = shift;
   return SyTest::Homeserver::EdgeMatrix->new( @_ );
}

1;
