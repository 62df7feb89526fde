/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "checkpoint.h"

#include "clock.h"
#include "complain.h"
#include "run_text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char options_name[] = "run.options";
static const char state_name[] = "run.state";

/* ---- interruption ---- */

static volatile sig_atomic_t interrupted_by;

static void interrupt(int signal)
{
    interrupted_by = signal;
}

static bool watch(int signal)
{
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = (int)(SA_RESTART | SA_RESETHAND)};
    sigemptyset(&action.sa_mask);
    return sigaction(signal, &action, NULL) == 0 || complain("cannot watch signals: %s", strerror(errno));
}

int checkpoint_signal(void)
{
    return (int)interrupted_by;
}

/* ---- opening ---- */

static bool is_there(const struct checkpoint *checkpoint)
{
    return checkpoint->path != NULL && access(checkpoint->path, F_OK) == 0;
}

bool checkpoint_open(struct checkpoint *checkpoint, int word_count, char *const *words)
{
    checkpoint->word_count = word_count;
    checkpoint->words = words;
    checkpoint->written = clock_seconds();
    if (checkpoint->path == NULL)
        return !checkpoint->resume || complain("--resume needs to know from where: see --checkpoint");
    if (!keep_check_path(checkpoint->path))
        return false;
    if (!checkpoint->resume && is_there(checkpoint))
        return complain("%s is there already: go on from it with --resume, or remove it", checkpoint->path);
    return true;
}

bool checkpoint_watch(const struct checkpoint *checkpoint)
{
    return checkpoint->path == NULL || (watch(SIGINT) && watch(SIGTERM));
}

bool checkpoint_fits(const struct checkpoint *checkpoint, size_t epochs, size_t depth)
{
    size_t most = (MF_METADATA_VALUE_BYTES - RUN_TEXT_START) / run_text_epoch(depth);
    return checkpoint->path == NULL || epochs <= most ||
           complain("a checkpoint keeps the history of at most %zu epochs of %zu layers", most, depth);
}

/* ---- writing ---- */

bool checkpoint_is_due(const struct checkpoint *checkpoint)
{
    return checkpoint->path != NULL &&
           (interrupted_by != 0 || clock_seconds() - checkpoint->written >= checkpoint->every);
}

/* What the network says of its run belongs to the checkpoint only. */
static void clear_notes(mf_network *network)
{
    (void)mf_network_metadata_remove(network, options_name);
    (void)mf_network_metadata_remove(network, state_name);
}

bool checkpoint_write(struct checkpoint *checkpoint, mf_network *network, const struct run_state *state)
{
    if (checkpoint->path == NULL)
        return true;
    char *text = run_text_write(state);
    bool good = text != NULL &&
                library_ok(mf_network_metadata_set(network, options_name, checkpoint->options)) &&
                library_ok(mf_network_metadata_set(network, state_name, text)) &&
                notes_save(network, &state->keep.scaling, MF_CONTENTS_TRAINING, checkpoint->path);
    free(text);
    clear_notes(network);
    checkpoint->written = clock_seconds();
    return good;
}

/* ---- reading ---- */

/* Names the first option that differs. */
static bool complain_of_options(const struct checkpoint *checkpoint, const char *theirs)
{
    const char *ours = checkpoint->options;
    size_t same = 0;
    while (ours[same] != '\0' && ours[same] == theirs[same])
        same++;
    while (same > 0 && ours[same - 1] != ' ')
        same--;
    char found[64];
    snprintf(found, sizeof found, "%.*s", (int)strcspn(theirs + same, " "), theirs + same);
    for (char *c = found; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return complain("%s is of another run: it has %s, this one %.*s", checkpoint->path,
                    *found != '\0' ? found : "nothing", (int)strcspn(ours + same, " "), ours + same);
}

static bool read_notes(const struct checkpoint *checkpoint, const mf_network *network,
                       struct run_state *state)
{
    const char *options = NULL, *text = NULL;
    if (mf_network_metadata_get(network, options_name, &options) != MF_STATUS_OK ||
        mf_network_metadata_get(network, state_name, &text) != MF_STATUS_OK)
        return complain("%s is a model, but no checkpoint of a run", checkpoint->path);
    if (strcmp(options, checkpoint->options) != 0)
        return complain_of_options(checkpoint, options);
    return run_text_read(text, state) ||
           complain("%s is a checkpoint of another version, or damaged", checkpoint->path);
}

static bool read_file(const struct checkpoint *checkpoint, mf_network **network, struct run_state *state)
{
    mf_load_spec spec;
    if (!library_ok(mf_load_spec_init(&spec, sizeof spec)))
        return false;
    spec.contents = MF_CONTENTS_TRAINING;
    if (mf_network_load(&spec, checkpoint->path, network) != MF_STATUS_OK)
        return complain("cannot go on from %s: %s", checkpoint->path, mf_last_message());
    /* The file's network scales its inputs for those who use it; a run has its data scaled already. */
    if (read_notes(checkpoint, *network, state) &&
        library_ok(mf_network_set_input_scaling(*network, NULL, NULL, 0)))
        return true;
    mf_network_free(*network);
    *network = NULL;
    return false;
}

bool checkpoint_go_on(const struct checkpoint *checkpoint, struct run_state *state,
                      bool (*take)(void *run, const mf_network *from, size_t depth), void *run)
{
    mf_network *from = NULL;
    size_t depth = 0;
    if (!checkpoint->resume || !is_there(checkpoint))
        return true;
    if (!read_file(checkpoint, &from, state))
        return false;
    bool good =
        keep_goes_on(&state->keep) && library_ok(mf_network_size(from, &depth)) && take(run, from, depth);
    mf_network_free(from);
    return good;
}

bool checkpoint_unsound(const struct checkpoint *checkpoint)
{
    return complain("%s says of its run what cannot be", checkpoint->path);
}

bool checkpoint_is_sound(const struct checkpoint *checkpoint, const struct run_state *state, size_t depth,
                         const struct whole_run *whole)
{
    bool sound = depth == whole->layers && state->history.count <= whole->epochs &&
                 state->position <= whole->rows &&
                 (state->position % whole->batch == 0 || state->position == whole->rows);
    for (size_t i = 0; i < state->history.count; i++)
        sound = sound && state->history.epochs[i].depth == whole->layers;
    return sound || checkpoint_unsound(checkpoint);
}

bool checkpoint_take(const mf_network *from, mf_network *to)
{
    size_t bytes = 0;
    if (!library_ok(mf_network_snapshot_size(from, &bytes)))
        return false;
    void *snapshot = malloc(bytes);
    if (snapshot == NULL)
        return complain("no memory for a snapshot of %zu bytes", bytes);
    bool good = library_ok(mf_network_snapshot_save(from, snapshot, bytes)) &&
                library_ok(mf_network_snapshot_load(to, snapshot, bytes));
    free(snapshot);
    return good;
}

/* ---- words for people ---- */

/* So that a shell reads it as one word. */
static void print_word(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,/:@%";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        fputs(word, stdout);
        return;
    }
    putchar('\'');
    for (; *word != '\0'; word++)
        if (*word == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*word);
    putchar('\'');
}

void checkpoint_explain(const struct checkpoint *checkpoint, const char *program,
                        const struct run_state *state)
{
    printf("\ninterrupted in epoch %zu, behind %llu of its samples; to go on:\n ", state->history.count + 1,
           (unsigned long long)state->position);
    for (int i = 0; i < checkpoint->word_count; i++) {
        putchar(' ');
        print_word(checkpoint->words[i]);
    }
    printf("%s\n", checkpoint->resume ? "" : " --resume");
    printf("result example=%s interrupted=yes epochs=%zu samples=%llu checkpoint=%s\n", program,
           state->history.count, (unsigned long long)state->position, checkpoint->path);
    fflush(stdout);
}
