/*
 * Simplex with notarize, nullify and finalize votes: what the rules of this folder allow, for four
 * validators of equal weight of which one is Byzantine. README.md says what is abstracted and why
 * that is sound, and which lemma each assertion stands for. Checked by scripts/check-model.sh.
 *
 * Switches (-D):
 *   VIEWS=n                  bound of the views, 1 to 6, with LIVENESS 1 to 4
 *   MAXIMAL                  view by view, every honest validator casting N and Z or F in each
 *   LIVENESS                 tell certificates that exist from those that an honest validator holds
 *   ONLY_AGREEMENT           check nothing but agreement: a mutant must reach a real fork
 *   WITNESS=n                claim that a good outcome is unreachable; the search must refute it
 *   FINALIZE_AFTER_NULLIFY, NO_SKIP_PROOF, QUORUM_2F, AMNESIA, VOLATILE_CERTIFICATES    mutants
 */

#ifndef VIEWS
#define VIEWS 3
#endif
#if VIEWS < 1 || VIEWS > 6 || (defined(LIVENESS) && VIEWS > 4)
#error "the model is written out for 1 to 6 views, with LIVENESS for 1 to 4"
#endif

/*
 * Votes. One bit for each statement that can be signed in a view, five bits a view, views from the
 * lowest bits up: notarize variant 0 or 1 (N), nullify (Z), finalize variant 0 or 1 (F). Sets of
 * certificates have the same layout: one bit says that a quorum signed that statement.
 */
#define WIDTH 5
#define AT(v) (WIDTH * ((v) - 1))
#define N(v, x) (1 << (AT(v) + (x)))
#define Z(v) (4 << AT(v))
#define F(v, x) (8 << (AT(v) + (x)))
#define Z_OR_F(v) (28 << AT(v))
#define F_ANY(v) (24 << AT(v))
#define OF_VIEW(v) (31 << AT(v))
#define BELOW(v) ((1 << AT(v)) - 1)

/* A pattern of one view, repeated in every view. */
#define IN_ALL_VIEWS(bits) ((bits) * 34636833 & BELOW(VIEWS + 1))
#define ALL_N IN_ALL_VIEWS(3)
#define ALL_N0 IN_ALL_VIEWS(1)
#define ALL_Z IN_ALL_VIEWS(4)
#define ALL_F0 IN_ALL_VIEWS(8)

/*
 * Blocks. (view, variant) is 2*view + variant, so genesis is 1, "of view 0". The leader may be the
 * Byzantine one in every view: two variants, each with a parent of its choice, fixed when the first
 * honest validator notarizes it. A third variant could never get the two honest votes it needs
 * unless another gets none, so two are all.
 */
#define GENESIS 1
#define UNPROPOSED 0
#define BLOCK(v, x) (2 * (v) + (x))
#define VIEW_OF(b) ((b) / 2)
#define N_OF(b) N(VIEW_OF(b), (b) & 1)
#define F_OF(b) F(VIEW_OF(b), (b) & 1)

byte parent[2 * VIEWS + 2];

/*
 * The three honest validators: every vote that its journal holds. A vote is durable before it is
 * sent and may then be seen by anybody at any time or never: sets of votes that only grow are the
 * network. A crash leaves votes[] as it is, and the view to resume in follows from it, so a
 * restart is a step that changes nothing; only the mutant below has something to lose.
 */
int votes[3];

#ifdef AMNESIA
int own[3];      /* what a validator remembers; votes[] is what the network has seen */
bit restarted;   /* one loss of the journal is enough */
#define OWN(i) own[i]
#else
#define OWN(i) votes[i]
#endif

/*
 * Certificates. The Byzantine validator signs everything, to anybody, so a statement has its quorum
 * of 3 as soon as 2 honest validators signed it: bitwise, the majority of three. It forges nothing.
 */
#define AT_LEAST_TWO ((votes[0] & votes[1]) | (votes[0] & votes[2]) | (votes[1] & votes[2]))
#define AT_LEAST_ONE (votes[0] | votes[1] | votes[2])
#ifdef QUORUM_2F
#define EXISTING AT_LEAST_ONE
#else
#define EXISTING AT_LEAST_TWO
#endif

/*
 * What honest validators may act on. For safety: any certificate that can exist; whoever acts on it
 * has been shown it. For liveness: what some honest validator really holds in its journal; the
 * Byzantine one may keep back its share of all others for ever.
 */
#ifdef LIVENESS
int held;
#define KNOWN held
#else
#define KNOWN EXISTING
#endif

/*
 * Rules 1 and 6: view v is entered on a certificate of v - 1, or passed by a jump on a higher one.
 * (View 1 needs none; the odd term only keeps the shift legal there.)
 */
#define REACHED(v) ((v) == 1 || (KNOWN >> AT((v) - ((v) > 1))) != 0)

/* Only to make searches of more views possible; README.md, "Maximal votes". */
#ifdef MAXIMAL
#define FOLD(w) ((w) | ((w) >> 1) | ((w) >> 2))
#define IN_EACH(w, bits, v) (((w) & (bits) & BELOW(v)) == ((bits) & BELOW(v)))
#define HAS_N(i, v) ((votes[i] & (N(v, 0) | N(v, 1))) != 0)
#define HAS_Z_OR_F_BELOW(i, v) IN_EACH(FOLD(votes[i]), ALL_Z, v)
#define MAY_TURN_TO(v) ((AT_LEAST_ONE & ~BELOW((v) + 1)) == 0 && \
  HAS_Z_OR_F_BELOW(0, v) && HAS_Z_OR_F_BELOW(1, v) && HAS_Z_OR_F_BELOW(2, v))
#define MAY_DECIDE_IN(v) (MAY_TURN_TO(v) && HAS_N(0, v) && HAS_N(1, v) && HAS_N(2, v))
#else
#define MAY_TURN_TO(v) true
#define MAY_DECIDE_IN(v) true
#endif

/* Rules 2 and 3: the parent is notarized and every view between it and v is nullified. */
#define SKIPPED(v, p) (ALL_Z & BELOW(v) & ~BELOW(VIEW_OF(p) + 1))
#ifdef NO_SKIP_PROOF
#define PROVES_SKIPS(v, p) true
#else
#define PROVES_SKIPS(v, p) ((KNOWN & SKIPPED(v, p)) == SKIPPED(v, p))
#endif
#define JUSTIFIED(v, p) (((p) == GENESIS || (KNOWN & N_OF(p)) != 0) && PROVES_SKIPS(v, p))

/* A proposal is new or the one others saw. Variants are alike: 0 is the one first voted for. */
#define PROPOSED(v, x, p) (parent[BLOCK(v, x)] == (p) || \
    (parent[BLOCK(v, x)] == UNPROPOSED && ((x) == 0 || parent[BLOCK(v, 0)] != UNPROPOSED)))

/*
 * Rule 3, notarize: the view is the current one, so nothing was voted in a later view, and there is
 * no own N, Z or F in this view.
 */
#define MAY_NOTARIZE(i, v, x, p) (OWN(i) < N(v, 0) && REACHED(v) && MAY_TURN_TO(v) && \
    PROPOSED(v, x, p) && JUSTIFIED(v, p))

/*
 * Rules 4 and 8, nullify: in the current view, for a timeout or anything else, or in a hole left
 * behind; never after an own F. N before it is legal.
 */
#define MAY_NULLIFY(i, v) ((OWN(i) & Z_OR_F(v)) == 0 && REACHED(v) && MAY_DECIDE_IN(v))

/* Rule 5, finalize: the view's notarization is held, no own Z, no own F; also when it is over. */
#ifdef FINALIZE_AFTER_NULLIFY
#define FINALIZE_EXCLUDED(v) F_ANY(v)
#else
#define FINALIZE_EXCLUDED(v) Z_OR_F(v)
#endif
#define MAY_FINALIZE(i, v, x) ((OWN(i) & FINALIZE_EXCLUDED(v)) == 0 && \
    (KNOWN & N(v, x)) != 0 && MAY_DECIDE_IN(v))

/* The choices of validator i. Honest ones are alike: of two in the same state one suffices. */
#define NOTARIZE(i, v, x, p) :: d_step { DISTINCT(i) && MAY_NOTARIZE(i, v, x, p) -> \
  voter = i; vote = N(v, x); parent[BLOCK(v, x)] = p }
#define NULLIFY(i, v) :: d_step { DISTINCT(i) && MAY_NULLIFY(i, v) -> voter = i; vote = Z(v) }
#define FINALIZE(i, v, x) :: d_step { DISTINCT(i) && MAY_FINALIZE(i, v, x) -> \
  voter = i; vote = F(v, x) }
#if defined(AMNESIA)
#define DISTINCT(i) true
#elif defined(MAXIMAL)
#define DISTINCT(i) ((i) == 0)   /* in order: who has voted least so far stands first */
#else
#define DISTINCT(i) ((i) == 0 || votes[i] != votes[(i) - ((i) > 0)])
#endif

#define ON_VIEW(i, v, u) NOTARIZE(i, v, 0, BLOCK(u, 0)) NOTARIZE(i, v, 0, BLOCK(u, 1)) \
  NOTARIZE(i, v, 1, BLOCK(u, 0)) NOTARIZE(i, v, 1, BLOCK(u, 1))
#define IN_VIEW(i, v) NOTARIZE(i, v, 0, GENESIS) NOTARIZE(i, v, 1, GENESIS) \
  NULLIFY(i, v) FINALIZE(i, v, 0) FINALIZE(i, v, 1)
#define TO_VIEW_1(i) IN_VIEW(i, 1)
#define TO_VIEW_2(i) TO_VIEW_1(i) IN_VIEW(i, 2) ON_VIEW(i, 2, 1)
#define TO_VIEW_3(i) TO_VIEW_2(i) IN_VIEW(i, 3) ON_VIEW(i, 3, 1) ON_VIEW(i, 3, 2)
#define TO_VIEW_4(i) TO_VIEW_3(i) IN_VIEW(i, 4) ON_VIEW(i, 4, 1) ON_VIEW(i, 4, 2) ON_VIEW(i, 4, 3)
#define TO_VIEW_5(i) TO_VIEW_4(i) IN_VIEW(i, 5) ON_VIEW(i, 5, 1) ON_VIEW(i, 5, 2) \
  ON_VIEW(i, 5, 3) ON_VIEW(i, 5, 4)
#define TO_VIEW_6(i) TO_VIEW_5(i) IN_VIEW(i, 6) ON_VIEW(i, 6, 1) ON_VIEW(i, 6, 2) \
  ON_VIEW(i, 6, 3) ON_VIEW(i, 6, 4) ON_VIEW(i, 6, 5)
#if VIEWS == 1
#define VALIDATOR(i) TO_VIEW_1(i)
#elif VIEWS == 2
#define VALIDATOR(i) TO_VIEW_2(i)
#elif VIEWS == 3
#define VALIDATOR(i) TO_VIEW_3(i)
#elif VIEWS == 4
#define VALIDATOR(i) TO_VIEW_4(i)
#elif VIEWS == 5
#define VALIDATOR(i) TO_VIEW_5(i)
#else
#define VALIDATOR(i) TO_VIEW_6(i)
#endif

/*
 * Rule 6 with LIVENESS: a certificate that can exist comes into the hands of an honest validator,
 * which makes it durable and passes it on.
 */
#define NEW (EXISTING & ~held)
#define LEARN(v) \
  :: (NEW & N(v, 0)) != 0 -> learned = N(v, 0) \
  :: (NEW & N(v, 1)) != 0 -> learned = N(v, 1) \
  :: (NEW & Z(v)) != 0 -> learned = Z(v) \
  :: (NEW & F_ANY(v)) != 0 -> learned = F_ANY(v)
#if VIEWS == 1
#define LEARNING LEARN(1)
#elif VIEWS == 2
#define LEARNING LEARN(1) LEARN(2)
#elif VIEWS == 3
#define LEARNING LEARN(1) LEARN(2) LEARN(3)
#else
#define LEARNING LEARN(1) LEARN(2) LEARN(3) LEARN(4)
#endif

/*
 * Mutant: certificates are kept in memory only. The one holder of a notarization crashes, and the
 * Byzantine vote in it never returns; with three honest votes it could be formed again.
 */
#define LOSE(v, x) \
  :: (held & N(v, x)) != 0 && (votes[0] & votes[1] & votes[2] & N(v, x)) == 0 -> \
    held = held & ~N(v, x)

/* Scratch, no part of the state: 0 between steps or set before it is read. */
hidden byte voter, block, walk, current;
hidden int vote, learned, certificates, ancestors, swap;

#define ORDER(i, j) \
  if \
  :: votes[i] > votes[j] -> swap = votes[i]; votes[i] = votes[j]; votes[j] = swap \
  :: else \
  fi

/* Honest validators have no names: their states in order stand for all permutations of them. */
inline forgetNames() {
  ORDER(0, 1); ORDER(1, 2); ORDER(0, 1)
}

/* Lemma 1, of one honest validator: never N and N', Z and F, or F and F' in one view. */
#define KEEPS_VOTE_RULES(w) (((w) & ((w) >> 1) & (ALL_N0 | ALL_F0)) == 0 && \
  ((w) & (((w) >> 1) | ((w) >> 2)) & ALL_Z) == 0)

#define FINALIZED(b) ((certificates & F_OF(b)) != 0)
#define NOTARIZED(b) ((certificates & N_OF(b)) != 0)

inline checkViews() {
  assert(KEEPS_VOTE_RULES(votes[0]) && KEEPS_VOTE_RULES(votes[1]) && KEEPS_VOTE_RULES(votes[2]));
  /* Lemma 2: at most one notarized, and at most one finalized, block a view. */
  assert((certificates & (certificates >> 1) & (ALL_N0 | ALL_F0)) == 0);
  /* Lemma 3: never a nullification and a finalization of one view. */
  assert((certificates & ((certificates >> 1) | (certificates >> 2)) & ALL_Z) == 0);
  /* Lemma 4: what is finalized is notarized. */
  assert(((certificates >> 3) & ALL_N & ~certificates) == 0);
}

/*
 * Lemma 5: a notarized block stands on a notarized parent, and every view that it skips is
 * nullified. Lemma 6, agreement: of two final blocks the lower is an ancestor of the higher.
 */
inline checkBlocks() {
  block = BLOCK(1, 0);
  do
  :: block <= BLOCK(VIEWS, 1) ->
    if
    :: NOTARIZED(block) ->
#ifndef ONLY_AGREEMENT
      walk = parent[block];
      assert(walk != UNPROPOSED && VIEW_OF(walk) < VIEW_OF(block));
      assert(walk == GENESIS || NOTARIZED(walk));
      assert((SKIPPED(VIEW_OF(block), walk) & ~certificates) == 0);
#endif
      if
      :: FINALIZED(block) ->
        ancestors = 0;
        walk = block;
        do
        :: walk > GENESIS -> ancestors = ancestors | N_OF(walk); walk = parent[walk]
        :: else -> break
        od;
        assert((certificates >> 3 & ALL_N & BELOW(VIEW_OF(block) + 1) & ~ancestors) == 0)
      :: else
      fi
    :: else
    fi;
    block++
  :: else -> break
  od
}

/*
 * Liveness, in every reachable state, with the Byzantine validator silent from here on and all that
 * honest ones hold delivered. They are then together in the view after the highest certificate.
 */
inline checkProgress() {
  current = 1;
  do
  :: current <= VIEWS && (held >> AT(current)) != 0 -> current++
  :: else -> break
  od;
  if
  :: current <= VIEWS ->
    /* Lemma 7, no lock-up: all three honest may nullify this view or have done so. */
    assert((AT_LEAST_ONE & F_ANY(current)) == 0);
    /* The view after it is untouched: a leader there can have all three notarize and finalize. */
    assert((AT_LEAST_ONE & ~BELOW(current + 1)) == 0);
  :: else
  fi;
  /* Lemma 8, split certificates heal: held together, they justify a proposal in this view. */
  walk = current - 1;
  do
  :: walk == 0 || (held & (N(walk, 0) | N(walk, 1))) != 0 -> break
  :: else -> assert((held & Z(walk)) != 0); walk--
  od
}

/*
 * What lemma 7 excludes, in full: with the Byzantine validator silent, the current view can get no
 * certificate any more. One honest validator has cast F, so there is no nullification; another has
 * cast Z without N, so there is no notarization and no finalization.
 */
#define GAVE_UP(i) ((votes[i] & (N(current, 0) | N(current, 1) | Z(current))) == Z(current))
inline checkLockUp() {
  current = 1;
  do
  :: current <= VIEWS && (held >> AT(current)) != 0 -> current++
  :: else -> break
  od;
  assert(current > VIEWS || (AT_LEAST_ONE & F_ANY(current)) == 0 ||
    !(GAVE_UP(0) || GAVE_UP(1) || GAVE_UP(2)))
}

/* Good outcomes that the model must be able to reach, lest its correctness be empty. */
#define IS_FINAL(v) ((certificates & F_ANY(v)) != 0)
#if WITNESS == 1
/* Final blocks in the first and the last view, all views between nullified. */
#define REFUTABLE (IS_FINAL(1) && IS_FINAL(VIEWS) && \
  (SKIPPED(VIEWS, BLOCK(1, 0)) & ~certificates) == 0)
#elif WITNESS == 2
/* Both certificates in the first view, and its block an ancestor of a final one in the last. */
#define REFUTABLE ((certificates & N(1, 0)) != 0 && (certificates & Z(1)) != 0 && \
  IS_FINAL(VIEWS) && parent[BLOCK(VIEWS, 0)] == BLOCK(1, 0))
#elif WITNESS == 3
/* The same, but the final block of the last view skips the notarized one. */
#define REFUTABLE ((certificates & N(1, 0)) != 0 && (certificates & Z(1)) != 0 && \
  (certificates & F(VIEWS, 0)) != 0 && parent[BLOCK(VIEWS, 0)] == GENESIS)
#elif WITNESS == 4
/* A leader splits the honest votes of a view, one block of it becomes final nevertheless. */
#define REFUTABLE (IS_FINAL(VIEWS) && (AT_LEAST_ONE & N(VIEWS, 0)) != 0 && \
  (AT_LEAST_ONE & N(VIEWS, 1)) != 0)
#endif

init {
end:
  do
  :: atomic {
    if
    VALIDATOR(0)
    VALIDATOR(1)
    VALIDATOR(2)
#ifdef LIVENESS
    LEARNING
#endif
#ifdef VOLATILE_CERTIFICATES
    LOSE(1, 0)
#endif
#ifdef AMNESIA
    :: !restarted -> restarted = true; own[0] = 0
#endif
    fi;
    d_step {
      votes[voter] = votes[voter] | vote;
#ifdef AMNESIA
      own[voter] = own[voter] | vote;
#endif
#ifdef LIVENESS
      held = held | (EXISTING & learned);
#endif
#ifndef AMNESIA
      forgetNames();
#endif
      certificates = EXISTING;
#ifdef WITNESS
      assert(!(REFUTABLE));
#else
#ifndef VOLATILE_CERTIFICATES
#ifndef ONLY_AGREEMENT
      checkViews();
#endif
      checkBlocks();
#endif
#ifdef VOLATILE_CERTIFICATES
      checkLockUp();
#elif defined(LIVENESS)
      checkProgress();
#endif
#endif
      voter = 0; vote = 0; learned = 0; block = 0
    }
  }
  od
}
