# SPDX-License-Identifier: MIT
# lib/usage.pl: the command line of scripts in Perl, as lib/opts.sh for those
# in shell: only_options(OPTION...) lets these through, prints the comment at
# the top of the script for -h and --help, and refuses all others.
use strict;
use warnings;

sub only_options {
    my %known = map { $_ => 1 } @_;
    my ($me) = $0 =~ m{([^/]*)\z};
    my ($wrong) = grep { /^-/ && !$known{$_} } @ARGV;
    return unless defined $wrong;
    if ($wrong ne '-h' && $wrong ne '--help') {
        print STDERR "$me: unknown option '$wrong'; try '$0 --help'\n";
        exit 2;
    }
    open my $self, '<', $0 or die "$me: $0: $!\n";
    my ($text) = do { local $/; <$self> } =~ /^(# \Q$me\E: .*?)^[^#]/ms;
    print $text =~ s/^# ?//gmr;
    exit 0;
}
1;
