import { element, SHA } from "./constants";
import { MESSAGE_STRIDE, MESSAGES, work } from "./workspace";

/*
 * SHA-512 (FIPS 180-4) of two messages at once, one in each lane. State and schedule words are v128s
 * in memory.
 */

const K: usize = memory.data<u64>([
  0x428a_2f98_d728_ae22, 0x7137_4491_23ef_65cd, 0xb5c0_fbcf_ec4d_3b2f, 0xe9b5_dba5_8189_dbbc,
  0x3956_c25b_f348_b538, 0x59f1_11f1_b605_d019, 0x923f_82a4_af19_4f9b, 0xab1c_5ed5_da6d_8118,
  0xd807_aa98_a303_0242, 0x1283_5b01_4570_6fbe, 0x2431_85be_4ee4_b28c, 0x550c_7dc3_d5ff_b4e2,
  0x72be_5d74_f27b_896f, 0x80de_b1fe_3b16_96b1, 0x9bdc_06a7_25c7_1235, 0xc19b_f174_cf69_2694,
  0xe49b_69c1_9ef1_4ad2, 0xefbe_4786_384f_25e3, 0x0fc1_9dc6_8b8c_d5b5, 0x240c_a1cc_77ac_9c65,
  0x2de9_2c6f_592b_0275, 0x4a74_84aa_6ea6_e483, 0x5cb0_a9dc_bd41_fbd4, 0x76f9_88da_8311_53b5,
  0x983e_5152_ee66_dfab, 0xa831_c66d_2db4_3210, 0xb003_27c8_98fb_213f, 0xbf59_7fc7_beef_0ee4,
  0xc6e0_0bf3_3da8_8fc2, 0xd5a7_9147_930a_a725, 0x06ca_6351_e003_826f, 0x1429_2967_0a0e_6e70,
  0x27b7_0a85_46d2_2ffc, 0x2e1b_2138_5c26_c926, 0x4d2c_6dfc_5ac4_2aed, 0x5338_0d13_9d95_b3df,
  0x650a_7354_8baf_63de, 0x766a_0abb_3c77_b2a8, 0x81c2_c92e_47ed_aee6, 0x9272_2c85_1482_353b,
  0xa2bf_e8a1_4cf1_0364, 0xa81a_664b_bc42_3001, 0xc24b_8b70_d0f8_9791, 0xc76c_51a3_0654_be30,
  0xd192_e819_d6ef_5218, 0xd699_0624_5565_a910, 0xf40e_3585_5771_202a, 0x106a_a070_32bb_d1b8,
  0x19a4_c116_b8d2_d0c8, 0x1e37_6c08_5141_ab53, 0x2748_774c_df8e_eb99, 0x34b0_bcb5_e19b_48a8,
  0x391c_0cb3_c5c9_5a63, 0x4ed8_aa4a_e341_8acb, 0x5b9c_ca4f_7763_e373, 0x682e_6ff3_d6b2_b8a3,
  0x748f_82ee_5def_b2fc, 0x78a5_636f_4317_2f60, 0x84c8_7814_a1f0_ab72, 0x8cc7_0208_1a64_39ec,
  0x90be_fffa_2363_1e28, 0xa450_6ceb_de82_bde9, 0xbef9_a3f7_b2c6_7915, 0xc671_78f2_e372_532b,
  0xca27_3ece_ea26_619c, 0xd186_b8c7_21c0_c207, 0xeada_7dd6_cde0_eb1e, 0xf57d_4f7f_ee6e_d178,
  0x06f0_67aa_7217_6fba, 0x0a63_7dc5_a2c8_98a6, 0x113f_9804_bef9_0dae, 0x1b71_0b35_131c_471b,
  0x28db_77f5_2304_7d84, 0x32ca_ab7b_40c7_2493, 0x3c9e_be0a_15c9_bebc, 0x431d_67c4_9c10_0d4c,
  0x4cc5_d4be_cb3e_42b6, 0x597f_299c_fc65_7e2a, 0x5fcb_6fab_3ad6_faec, 0x6c44_198c_4a47_5817,
]);

const BLOCK_BYTES: usize = 128;
/** The padding's first byte and the length. */
const PADDING_BYTES: usize = 17;

// @ts-ignore: decorator
@inline
function rotate(x: v128, by: i32): v128 {
  return v128.or(i64x2.shr_u(x, by), i64x2.shl(x, 64 - by));
}

/** Word `offset / 8` of both blocks: big-endian there. */
// @ts-ignore: decorator
@inline
function wordOf(block0: usize, block1: usize, offset: usize): v128 {
  const words = v128.load64_lane(block1 + offset, v128.load64_zero(block0 + offset), 1);
  return v128.shuffle<u8>(words, words, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
}

/** W[t] for t >= 16, kept at t mod 16. */
// @ts-ignore: decorator
@inline
function scheduled(schedule: usize, t: usize): v128 {
  const w15 = v128.load(schedule + 16 * ((t + 1) & 15));
  const w2 = v128.load(schedule + 16 * ((t + 14) & 15));
  const s0 = v128.xor(v128.xor(rotate(w15, 1), rotate(w15, 8)), i64x2.shr_u(w15, 7));
  const s1 = v128.xor(v128.xor(rotate(w2, 19), rotate(w2, 61)), i64x2.shr_u(w2, 6));
  const older = i64x2.add(
    v128.load(schedule + 16 * (t & 15)),
    v128.load(schedule + 16 * ((t + 9) & 15)),
  );
  return i64x2.add(older, i64x2.add(s0, s1));
}

function compress(state: usize, schedule: usize, block0: usize, block1: usize): void {
  let a = v128.load(state, 0);
  let b = v128.load(state, 16);
  let c = v128.load(state, 32);
  let d = v128.load(state, 48);
  let e = v128.load(state, 64);
  let f = v128.load(state, 80);
  let g = v128.load(state, 96);
  let h = v128.load(state, 112);
  for (let t: usize = 0; t < 80; t++) {
    const w = t < 16 ? wordOf(block0, block1, 8 * t) : scheduled(schedule, t);
    v128.store(schedule + 16 * (t & 15), w);
    const sum1 = v128.xor(v128.xor(rotate(e, 14), rotate(e, 18)), rotate(e, 41));
    const choice = v128.xor(g, v128.and(e, v128.xor(f, g)));
    const t1 = i64x2.add(
      i64x2.add(h, i64x2.add(sum1, choice)),
      i64x2.add(v128.load64_splat(K + 8 * t), w),
    );
    const sum0 = v128.xor(v128.xor(rotate(a, 28), rotate(a, 34)), rotate(a, 39));
    const majority = v128.or(v128.and(a, b), v128.and(c, v128.or(a, b)));
    h = g;
    g = f;
    f = e;
    e = i64x2.add(d, t1);
    d = c;
    c = b;
    b = a;
    a = i64x2.add(t1, i64x2.add(sum0, majority));
  }
  v128.store(state, i64x2.add(a, v128.load(state, 0)), 0);
  v128.store(state, i64x2.add(b, v128.load(state, 16)), 16);
  v128.store(state, i64x2.add(c, v128.load(state, 32)), 32);
  v128.store(state, i64x2.add(d, v128.load(state, 48)), 48);
  v128.store(state, i64x2.add(e, v128.load(state, 64)), 64);
  v128.store(state, i64x2.add(f, v128.load(state, 80)), 80);
  v128.store(state, i64x2.add(g, v128.load(state, 96)), 96);
  v128.store(state, i64x2.add(h, v128.load(state, 112)), 112);
}

/** Where the message of a lane is built. */
export function messageOf(lane: usize): usize {
  return work + MESSAGES + MESSAGE_STRIDE * lane;
}

/** Pads a message of `length` bytes in place. Returns its number of blocks. */
export function pad(lane: usize, length: usize): usize {
  const message = messageOf(lane);
  const blocks = (length + PADDING_BYTES + BLOCK_BYTES - 1) / BLOCK_BYTES;
  const end = blocks * BLOCK_BYTES;
  store<u8>(message + length, 0x80);
  memory.fill(message + length + 1, 0, end - length - 1);
  store<u64>(message + end - 8, bswap<u64>(<u64>length * 8));
  return blocks;
}

function writeDigest(out: usize, state: usize, lane: usize): void {
  for (let i: usize = 0; i < 8; i++) {
    store<u64>(out + 8 * i, bswap<u64>(load<u64>(state + 16 * i + 8 * lane)));
  }
}

/** Digests, 64 bytes each, of the padded messages of both lanes. */
export function hashPadded(out0: usize, blocks0: usize, out1: usize, blocks1: usize): void {
  const state = element(SHA);
  const schedule = state + 128;
  const block0 = messageOf(0);
  const block1 = messageOf(1);
  v128.store(state, i64x2.splat(0x6a09_e667_f3bc_c908), 0);
  v128.store(state, i64x2.splat(0xbb67_ae85_84ca_a73b), 16);
  v128.store(state, i64x2.splat(0x3c6e_f372_fe94_f82b), 32);
  v128.store(state, i64x2.splat(0xa54f_f53a_5f1d_36f1), 48);
  v128.store(state, i64x2.splat(0x510e_527f_ade6_82d1), 64);
  v128.store(state, i64x2.splat(0x9b05_688c_2b3e_6c1f), 80);
  v128.store(state, i64x2.splat(0x1f83_d9ab_fb41_bd6b), 96);
  v128.store(state, i64x2.splat(0x5be0_cd19_137e_2179), 112);
  const blocks = max(blocks0, blocks1);
  for (let i: usize = 0; i < blocks; i++) {
    // Past its end a lane hashes what lies there; its digest is taken before.
    compress(state, schedule, block0 + BLOCK_BYTES * i, block1 + BLOCK_BYTES * i);
    if (i + 1 == blocks0) writeDigest(out0, state, 0);
    if (i + 1 == blocks1) writeDigest(out1, state, 1);
  }
}
