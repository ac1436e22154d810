package example;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.common.TopicPartition;

/**
 * Which decisions are missing.
 *
 * <p>`sequence` counts a customer's decisions from 1 over ALL decision topics: seen from one topic alone, 1, 4, 9 is in order.
 * Profiles tell each customer's latest number: without them, the last decision could be missing unnoticed. A number may be
 * missing for a while, as one topic is read before another. It is a gap if it is still missing once every topic has been read
 * to where it ended when the hole was seen, with all that open transactions still hid.
 */
final class Gaps implements ConsumerRebalanceListener {
  private final Consumer<?, ?> consumer;
  private final Admin admin;
  private final Done done;
  private final Set<String> suspects = new TreeSet<>();
  /** What was missing when it was asked where the topics end: a hole that is seen later has ends of its own. */
  private final Map<String, Set<Long>> asked = new TreeMap<>();
  private final Map<TopicPartition, Long> ends = new HashMap<>();

  Gaps(Consumer<?, ?> consumer, Admin admin, Done done) {
    this.consumer = consumer;
    this.admin = admin;
    this.done = done;
  }

  void suspect(String customer) {
    suspects.add(customer);
  }

  /** Ask where the topics end, or tell what is missing once they were read so far. */
  void look() throws Exception {
    if (consumer.assignment().isEmpty()) {
      return;
    }
    if (asked.isEmpty()) {
      for (String customer : suspects) {
        Set<Long> missing = done.missing(customer);
        if (!missing.isEmpty()) {
          asked.put(customer, missing);
        }
      }
      suspects.clear();
      if (!asked.isEmpty()) {
        Map<TopicPartition, OffsetSpec> latest =
            consumer.assignment().stream().collect(Collectors.toMap(Function.identity(), each -> OffsetSpec.latest()));
        admin.listOffsets(latest).all().get().forEach((place, end) -> ends.put(place, end.offset()));
      }
    } else if (ends.entrySet().stream().allMatch(end -> consumer.position(end.getKey()) >= end.getValue())) {
      for (Map.Entry<String, Set<Long>> hole : asked.entrySet()) {
        Set<Long> missing = done.missing(hole.getKey());
        missing.retainAll(hole.getValue());
        if (!missing.isEmpty()) {
          System.err.println("GAP " + hole.getKey() + ": decisions " + missing + " are missing");
        }
      }
      asked.clear();
      ends.clear();
    }
  }

  /** Partitions come and go: whoever lacks decisions in those that came is looked at anew. */
  @Override
  public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
    onPartitionsRevoked(partitions);
    suspects.addAll(done.withFewer(partitions.stream().map(TopicPartition::partition).collect(Collectors.toSet())));
  }

  @Override
  public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
    suspects.clear();
    asked.clear();
    ends.clear();
  }
}
