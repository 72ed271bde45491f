# SPDX-License-Identifier: MIT
# lib/part.pl: what the parts of scripts/check --long in Perl share, as
# lib/part.sh for those in shell.
#
#   my ($option, @words) = part('--every');   --minutes, --again, and flags
#   cannot('no tmpfs here');
#   in_time() or ...
#   end_part($left);
#
# A part runs in the build folder, $build, and keeps what it must remember in
# $state below it, or in $PART_STATE, as for `make check`.
use strict;
use warnings;
use Cwd ();
use File::Path ();
use FindBin;
require "$FindBin::Bin/../lib/usage.pl";

our ($me) = $0 =~ m{([^/]*)\z};
our ($build, $state, $minutes)
    = (Cwd::getcwd(), undef, $ENV{CHECK_MINUTES} // 60);
our ($rounds, $inputs, $findings) = (0, 0, 0);
my $begun = time;

sub say_so { print STDERR "$me: @_\n" }

sub refuse {
    say_so(@_);
    exit 2;
}

sub part {
    my (@flags) = @_;
    my (%option, @words);
    only_options('--minutes', '--again', @flags);
    while (defined(my $word = shift @ARGV)) {
        if ($word eq '--minutes') {
            refuse("--minutes needs a value, N; try '$0 --help'") if !@ARGV;
            $minutes = shift @ARGV;
        } elsif ($word =~ /^-/) {
            $option{$word} = 1;
        } else {
            push @words, $word;
        }
    }
    refuse("--minutes '$minutes': expected a whole number from 1")
        if $minutes !~ /^[1-9][0-9]{0,5}$/;
    if (!-e 'config.status') {
        say_so("'$build' is no build folder: there is no config.status in it");
        exit 3;
    }
    $state = $ENV{PART_STATE} // "$build/check-long/$me";
    File::Path::remove_tree($state) if $option{'--again'};
    File::Path::make_path($state);
    return (\%option, @words);
}

# The part cannot run here, which is no finding.
sub cannot {
    say_so(@_);
    exit 77;
}

# There is a minute left, or so many seconds.
sub in_time {
    my ($seconds) = (@_, 60);
    return $minutes * 60 - (time - $begun) >= $seconds;
}

sub end_part {
    my ($left) = (@_, 0);
    say_so("out of time with $left left: the next run goes on with them")
        if $left;
    print "$me: $rounds rounds, $inputs inputs, $findings findings\n";
    exit($findings ? 1 : 0);
}
1;
